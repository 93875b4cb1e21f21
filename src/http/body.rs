//! Reads a body up to a cap, counted after decompression: neither a large file nor a gzip bomb may fill
//! the memory.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::time::timeout_at;
use zeroize::Zeroizing;

use super::HttpError;
use super::client::Response;

/// The most that an answer may hold, in bytes after decompression.
pub const BODY_CAP: usize = 64 * 1024 * 1024;

/// The whole body, or [`HttpError::TooLarge`] as soon as it exceeds `cap` bytes.
pub async fn read(response: Response, cap: usize) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::with_capacity(expected(&response));
    each_chunk(response, cap, &mut |chunk: &[u8]| body.extend_from_slice(chunk)).await?;
    Ok(body)
}

/// The same where there are tokens in it: what is given up or outgrown on the way is wiped. That takes time and room
/// for two, which a large body would feel.
pub async fn read_secret(response: Response, cap: usize) -> Result<Vec<u8>, HttpError> {
    let mut body = Zeroizing::new(Vec::<u8>::with_capacity(expected(&response)));
    let mut take = |chunk: &[u8]| {
        if body.capacity() - body.len() < chunk.len() {
            let mut larger = Zeroizing::new(Vec::with_capacity(2 * (body.len() + chunk.len())));
            larger.extend_from_slice(&body);
            body = larger;
        }
        body.extend_from_slice(chunk);
    };
    each_chunk(response, cap, &mut take).await?;
    Ok(std::mem::take(&mut *body))
}

fn expected(response: &Response) -> usize {
    response.body.size_hint().lower().min(1 << 20) as usize
}

async fn each_chunk(
    mut response: Response,
    cap: usize,
    take: &mut (dyn FnMut(&[u8]) + Send),
) -> Result<(), HttpError> {
    let mut decoder = Decoder::new(response.headers(), Capped { left: cap, take });
    let fault = |error: io::Error, host| match error.kind() {
        io::ErrorKind::FileTooLarge => HttpError::TooLarge { host, cap },
        _ => HttpError::Broken { host, reason: format!("its compression is damaged: {error}") },
    };
    let mut empty = true;
    loop {
        let frame = match timeout_at(response.deadline, response.body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => return Err(HttpError::cut_off(&error, response.host())),
            Ok(None) if empty => return Ok(()),
            Ok(None) => return decoder.finish().map_err(|error| fault(error, response.host())),
            Err(_) => return Err(HttpError::Timeout { host: response.host() }),
        };
        let Ok(chunk) = frame.into_data() else { continue };
        empty &= chunk.is_empty();
        decoder.write(&chunk).map_err(|error| fault(error, response.host()))?;
    }
}

/// What the server did to the body on its way (RFC 9110 8.4), undone.
enum Decoder<'t> {
    Identity(Capped<'t>),
    Gzip(Box<MultiGzDecoder<Capped<'t>>>),
}

impl<'t> Decoder<'t> {
    fn new(headers: &HeaderMap, to: Capped<'t>) -> Self {
        match headers.get(CONTENT_ENCODING) {
            Some(coding) if coding.as_bytes().eq_ignore_ascii_case(b"gzip") => {
                Decoder::Gzip(Box::new(MultiGzDecoder::new(to)))
            }
            _ => Decoder::Identity(to),
        }
    }

    fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        match self {
            Decoder::Identity(to) => to.write_all(chunk),
            Decoder::Gzip(decoder) => decoder.write_all(chunk),
        }
    }

    /// An error if there should be more of it.
    fn finish(&mut self) -> io::Result<()> {
        match self {
            Decoder::Identity(_) => Ok(()),
            Decoder::Gzip(decoder) => decoder.try_finish(),
        }
    }
}

/// Passes on so many bytes and no more.
struct Capped<'t> {
    left: usize,
    take: &'t mut (dyn FnMut(&[u8]) + Send),
}

impl Write for Capped<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        (self.take)(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `Retry-After` in whole seconds; a date, which Jira does not send, is passed over.
pub fn retry_after(headers: &HeaderMap) -> Option<u64> {
    seconds(headers, "retry-after")
}

/// A header that holds whole seconds. A number that is too large to be one is the largest there is: none at all
/// would mean not to wait.
pub fn seconds(headers: &HeaderMap, name: &str) -> Option<u64> {
    let seconds = headers.get(name)?.to_str().ok()?.trim();
    let digits = !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| seconds.parse().unwrap_or(u64::MAX))
}
