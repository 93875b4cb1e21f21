//! Reads a body up to a cap, counted after decompression: neither a large file nor a gzip bomb may fill
//! the memory. Makes one that holds secrets.

use hyper::body::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{RequestBuilder, Response};
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use super::HttpError;

/// The most that an answer may hold, in bytes after decompression.
pub const BODY_CAP: usize = 64 * 1024 * 1024;

/// The whole body, or [`HttpError::TooLarge`] as soon as it exceeds `cap` bytes.
pub async fn read(response: Response, cap: usize) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::with_capacity(expected(&response));
    each_chunk(response, cap, |chunk| body.extend_from_slice(chunk)).await?;
    Ok(body)
}

/// The same where there are tokens in it: what is given up or outgrown on the way is wiped. That takes time and room
/// for two, which a large body would feel.
pub async fn read_secret(response: Response, cap: usize) -> Result<Vec<u8>, HttpError> {
    let mut body = Zeroizing::new(Vec::<u8>::with_capacity(expected(&response)));
    each_chunk(response, cap, |chunk| {
        if body.capacity() - body.len() < chunk.len() {
            let mut larger = Zeroizing::new(Vec::with_capacity(2 * (body.len() + chunk.len())));
            larger.extend_from_slice(&body);
            body = larger;
        }
        body.extend_from_slice(chunk);
    })
    .await?;
    Ok(std::mem::take(&mut *body))
}

fn expected(response: &Response) -> usize {
    response.content_length().unwrap_or(0).min(1 << 20) as usize
}

async fn each_chunk(
    mut response: Response,
    cap: usize,
    mut take: impl FnMut(&[u8]),
) -> Result<(), HttpError> {
    let host = response.url().host_str().unwrap_or_default().to_owned();
    let mut length = 0;
    while let Some(chunk) = response.chunk().await.map_err(|error| HttpError::new(&error, &host))? {
        length += chunk.len();
        if length > cap {
            return Err(HttpError::TooLarge { host, cap });
        }
        take(&chunk);
    }
    Ok(())
}

/// The request with a form that is wiped when it has been sent.
pub fn with_form(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    // Three bytes for one at most: a buffer that grew would leave a copy behind.
    let most = fields.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    let form = Serializer::new(String::with_capacity(most)).extend_pairs(fields).finish();
    let form = Bytes::from_owner(Zeroizing::new(form.into_bytes()));
    request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form)
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
