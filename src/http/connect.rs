//! Makes connections: to the server itself, to a proxy that reads what it passes on, or through a proxy that does not.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::USER_AGENT;
use http::uri::Scheme;
use http::{HeaderMap, HeaderValue, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::dns::GaiResolver;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use rustls::ClientConfig;
use thiserror::Error;
use tower::util::{MapErr, MapResponse};
use tower::{Service, ServiceExt};
use url::Url;

use super::client::USER_AGENT_TEXT;
use super::roots::LazyRoots;
use super::{HttpError, Options};

/// A connection is made within this time, TLS and the proxy's consent included, or the server counts as unreachable.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// After so long without a sign of life the other side is asked for one, and again.
const PROBE: Duration = Duration::from_secs(15);

/// As often.
const PROBES: u32 = 3;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The name service of the system, whose failures can be told from others.
type Names = MapErr<GaiResolver, fn(io::Error) -> UnknownName>;

/// What TLS is spoken over, if it is.
#[derive(Clone)]
struct Tcp {
    connector: HttpConnector<Names>,
    roots: Option<Arc<LazyRoots>>,
}

/// The host's name is not known.
#[derive(Debug, Error)]
#[error("{0}")]
pub(super) struct UnknownName(io::Error);

/// The proxy was not reached, or did not prove who it is.
#[derive(Debug, Error)]
#[error("the proxy {host}: {source}")]
pub(super) struct Unreached {
    /// The proxy's.
    pub(super) host: String,
    source: BoxError,
}

fn unreached(proxy: &Intercept) -> impl FnOnce(BoxError) -> Unreached + Clone + Send + use<> {
    let host = proxy.uri().host().unwrap_or_default().to_owned();
    |source| Unreached { host, source }
}

/// Which URLs are reached through a proxy, and which one that is.
#[derive(Clone)]
pub(super) struct Proxies {
    /// With a proxy that nobody asks: it knows the exceptions.
    concerned: Arc<Matcher>,
    /// The exceptions for one port, which it does not know.
    ports: Arc<Vec<(u16, Matcher)>>,
    /// None where what was named is no HTTP proxy.
    proxy: Option<Intercept>,
}

impl Proxies {
    /// Those of `options`, if there are any.
    pub(super) fn new(options: &Options) -> Option<Self> {
        let proxy = options.proxy.as_deref()?;
        let no_proxy = options.no_proxy.as_deref().unwrap_or_default();
        // As Go's: `*.example.com` is `.example.com`, and an exception may be for a port.
        let no_proxy = no_proxy.split(',').map(str::trim);
        // The matcher takes `*` for every name, and not for addresses.
        if no_proxy.clone().any(|exception| exception == "*") {
            return None;
        }
        let (mut all, mut ports) = (Vec::new(), Vec::new());
        for exception in no_proxy.map(|exception| exception.trim_start_matches('*')) {
            match exception.rsplit_once(':').map(|(host, port)| (host, port.parse())) {
                // More colons are an address.
                Some((host, Ok(port))) if !host.contains(':') || host.ends_with(']') => {
                    ports.push((port, all_but(host.trim_matches(['[', ']']))));
                }
                _ => all.push(exception),
            }
        }
        let concerned = Arc::new(all_but(&all.join(",")));
        Some(Proxies { concerned, ports: Arc::new(ports), proxy: understood(proxy) })
    }

    /// The proxy for `uri`, if there is one; [`HttpError::BadProxy`] if it cannot be used. There is no going round it.
    pub(super) fn on_the_way_to(&self, uri: &Uri) -> Result<Option<&Intercept>, HttpError> {
        let usual = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
        let to = uri.port_u16().unwrap_or(usual);
        let mut ports = self.ports.iter().filter(|(port, _)| *port == to);
        match self.concerned.intercept(uri).is_some()
            && ports.all(|(_, others)| others.intercept(uri).is_some())
        {
            true => self.proxy.as_ref().map(Some).ok_or(HttpError::BadProxy),
            false => Ok(None),
        }
    }
}

/// What knows all hosts but these.
fn all_but(exceptions: &str) -> Matcher {
    Matcher::builder().all("http://proxy.invalid").no(exceptions).build()
}

/// A proxy as people write it: without a scheme, with a password that nobody encoded.
fn understood(proxy: &str) -> Option<Intercept> {
    let url = match proxy.contains("://") {
        true => Url::parse(proxy).ok()?,
        false => Url::parse(&format!("http://{proxy}")).ok()?,
    };
    let any = Uri::from_static("https://jira.invalid");
    let proxy = Matcher::builder().all(url.as_str()).build().intercept(&any)?;
    matches!(proxy.uri().scheme_str(), Some("http" | "https")).then_some(proxy)
}

/// Makes connections for a client.
#[derive(Clone)]
pub(super) struct Connector(Arc<Ways>);

struct Ways {
    direct: HttpsConnector<Tcp>,
    tls: Arc<ClientConfig>,
    proxies: Option<Proxies>,
}

impl Connector {
    /// `roots` are what `tls` verifies with, to be read in time.
    pub(super) fn new(
        mut tls: ClientConfig,
        roots: Option<Arc<LazyRoots>>,
        proxies: Option<Proxies>,
    ) -> Self {
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let tls = Arc::new(tls);
        let names: Names = GaiResolver::new().map_err(UnknownName);
        let mut tcp = HttpConnector::new_with_resolver(names);
        // https is for whoever wraps it.
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // Shared among the addresses of a name: one that is silent leaves time for the next.
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        // Who has vanished is noticed before the command's time is up, and a request that only reads is sent again.
        tcp.set_keepalive(Some(PROBE));
        tcp.set_keepalive_interval(Some(PROBE));
        tcp.set_keepalive_retries(Some(PROBES));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(PROBE * 2));
        let direct = HttpsConnector::from((Tcp { connector: tcp, roots }, Arc::clone(&tls)));
        Connector(Arc::new(Ways { direct, tls, proxies }))
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let ways = Arc::clone(&self.0);
        Box::pin(async move {
            let connected = tokio::time::timeout(CONNECT_TIMEOUT, ways.connect(to)).await;
            connected.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
        })
    }
}

impl Ways {
    async fn connect(&self, to: Uri) -> Result<Stream, BoxError> {
        let direct = self.direct.clone();
        let proxy = self.proxies.as_ref().map(|proxies| proxies.on_the_way_to(&to)).transpose()?.flatten();
        let Some(proxy) = proxy else { return direct.oneshot(to).await.map(Stream::new) };
        let to_proxy = direct.map_err(unreached(proxy));
        if to.scheme() != Some(&Scheme::HTTPS) {
            let stream = to_proxy.oneshot(proxy.uri().clone()).await?;
            return Ok(Stream { forwarded: true, ..Stream::new(stream) });
        }
        let about = (USER_AGENT, HeaderValue::from_static(USER_AGENT_TEXT));
        let mut tunnel =
            Tunnel::new(proxy.uri().clone(), to_proxy).with_headers(HeaderMap::from_iter([about]));
        if let Some(authorization) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        let tunnel: MapResponse<_, fn(MaybeHttpsStream<Stream>) -> Stream> = tunnel.map_response(Stream::new);
        HttpsConnector::from((tunnel, Arc::clone(&self.tls))).oneshot(to).await.map(Stream::new)
    }
}

impl Service<Uri> for Tcp {
    type Response = Stream;
    type Error = <HttpConnector<Names> as Service<Uri>>::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.connector.poll_ready(cx)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let (connecting, roots) = (self.connector.call(to), self.roots.clone());
        Box::pin(async move {
            let connected = connecting.await?;
            // Next comes our hello, and then there is nothing to do until the answer is here.
            roots.iter().for_each(LazyRoots::soon);
            Ok(Stream::new(connected))
        })
    }
}

/// A connection of any kind: what is compiled for it is compiled once.
pub(super) struct Stream {
    io: Box<dyn Io>,
    /// Whether a proxy at the other end reads the requests, and wants the whole URL in each.
    forwarded: bool,
}

trait Io: Read + Write + Connection + Send + Unpin {}

impl<T: Read + Write + Connection + Send + Unpin> Io for T {}

impl Stream {
    fn new(io: impl Io + 'static) -> Self {
        Stream { io: Box::new(io), forwarded: false }
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.io.connected().proxy(self.forwarded)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }
}
