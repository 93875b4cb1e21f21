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
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use thiserror::Error;
use tokio::net::TcpStream;
use tower::util::{MapErr, MapResponse};
use tower::{Service, ServiceExt};

use super::client::USER_AGENT_TEXT;
use super::{HttpError, Options};

/// A connection is made within this time, TLS and the proxy's consent included, or the server counts as unreachable.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The name service of the system, whose failures can be told from others.
type Names = MapErr<GaiResolver, fn(io::Error) -> UnknownName>;

type Tcp = MapResponse<HttpConnector<Names>, fn(TokioIo<TcpStream>) -> Stream>;

/// The host's name is not known.
#[derive(Debug, Error)]
#[error("{0}")]
pub(super) struct UnknownName(io::Error);

/// Which proxy a URL is reached through.
#[derive(Clone)]
pub(super) struct Proxies(Arc<Matcher>);

impl Proxies {
    /// Those of `options`; [`HttpError::BadProxy`] for one that is no HTTP proxy's URL.
    pub(super) fn new(options: &Options) -> Result<Option<Self>, HttpError> {
        let Some(proxy) = &options.proxy else { return Ok(None) };
        // Built without the exceptions first: a URL that it does not understand is no proxy to it.
        let any = Matcher::builder().all(proxy.as_str()).build();
        let understood = any.intercept(&Uri::from_static("https://jira.invalid"));
        let scheme = understood.as_ref().and_then(|proxy| proxy.uri().scheme_str());
        if !matches!(scheme, Some("http" | "https")) {
            return Err(HttpError::BadProxy);
        }
        let no_proxy = options.no_proxy.as_deref().unwrap_or_default();
        // The matcher takes `*` for every name, and not for addresses.
        if no_proxy.split(',').any(|exception| exception.trim() == "*") {
            return Ok(None);
        }
        let proxies = Matcher::builder().all(proxy.as_str()).no(no_proxy).build();
        Ok(Some(Proxies(Arc::new(proxies))))
    }

    fn on_the_way_to(&self, uri: &Uri) -> Option<Intercept> {
        self.0.intercept(uri)
    }

    /// What the proxy for `uri` knows us by.
    pub(super) fn authorization(&self, uri: &Uri) -> Option<HeaderValue> {
        self.on_the_way_to(uri)?.basic_auth().cloned()
    }
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
    pub(super) fn new(mut tls: ClientConfig, proxies: Option<Proxies>) -> Self {
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let tls = Arc::new(tls);
        let names: Names = GaiResolver::new().map_err(UnknownName);
        let mut tcp = HttpConnector::new_with_resolver(names);
        // https is for whoever wraps it.
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let tcp: Tcp = tcp.map_response(Stream::new);
        let direct = HttpsConnector::from((tcp, Arc::clone(&tls)));
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
        let Some(proxy) = self.proxies.as_ref().and_then(|proxies| proxies.on_the_way_to(&to)) else {
            return direct.oneshot(to).await.map(Stream::new);
        };
        if to.scheme() != Some(&Scheme::HTTPS) {
            let stream = direct.oneshot(proxy.uri().clone()).await?;
            return Ok(Stream { forwarded: true, ..Stream::new(stream) });
        }
        let about = (USER_AGENT, HeaderValue::from_static(USER_AGENT_TEXT));
        let mut tunnel = Tunnel::new(proxy.uri().clone(), direct).with_headers(HeaderMap::from_iter([about]));
        if let Some(authorization) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        let tunnel: MapResponse<_, fn(MaybeHttpsStream<Stream>) -> Stream> = tunnel.map_response(Stream::new);
        HttpsConnector::from((tunnel, Arc::clone(&self.tls))).oneshot(to).await.map(Stream::new)
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
