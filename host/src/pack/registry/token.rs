//! Tokens of a registry's token service, as Docker's protocol has it.

use docker_credential::DockerCredential;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use url::form_urlencoded;

use super::challenge::{self, Challenge};
use super::credentials::{Credential, basic, sensitive};
use super::error::RegistryError;
use super::session::{Session, after, judge, location};
use super::transport::Trust;

/// How large an answer of a token service may be, in bytes.
const LARGEST: u64 = 256 << 10;

/// How this program names itself to a token service.
const CLIENT: &str = "orgwatch";

/// What a token service answers.
#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
}

/// Returns the header that answers a challenge, with the user's credential or as a guest; nothing where it is refused.
pub(super) async fn fetch(
    session: &Session<'_>,
    challenge: &Challenge,
    credential: Option<&Credential>,
) -> Result<Option<HeaderValue>, RegistryError> {
    let (realm, service) = match (challenge, credential.map(|credential| &credential.kind)) {
        (Challenge::Bearer { realm, service }, _) => (realm, service.as_deref()),
        (Challenge::Basic, Some(DockerCredential::UsernamePassword(user, password))) => {
            return Ok(Some(basic(user, password)));
        }
        (Challenge::Basic, Some(DockerCredential::IdentityToken(_))) => {
            let said = "`Basic`, and the credentials are an identity token".to_owned();
            return Err(RegistryError::Challenge { host: session.host.clone(), said });
        }
        (Challenge::Basic, None) => return Ok(None),
    };
    let url = challenge::realm(&session.base, realm)?;
    let credential = credential.map(|credential| &credential.kind);
    let mut tries = session.tries();
    loop {
        match ask(session, &url, service, credential).await {
            Ok(token) => return Ok(token),
            Err(error) => tries.after(error).await?,
        }
    }
}

async fn ask(
    session: &Session<'_>,
    realm: &Url,
    service: Option<&str>,
    credential: Option<&DockerCredential>,
) -> Result<Option<HeaderValue>, RegistryError> {
    let policy = judge(&session.host, realm)?;
    let is_own = realm.host() == session.base.host();
    let client = session.transport.client(policy, if is_own { Trust::Registry } else { Trust::Other })?;
    let scope = session.scope();
    let mut url = realm.clone();
    let request = match credential {
        Some(DockerCredential::IdentityToken(token)) => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.append_pair("grant_type", "refresh_token").append_pair("client_id", CLIENT);
            form.append_pair("refresh_token", token).append_pair("scope", &scope);
            form.append_pair("service", service.unwrap_or_default());
            client
                .request(Method::POST, url)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.finish())
        }
        other => {
            let mut query = url.query_pairs_mut();
            if let Some(service) = service {
                query.append_pair("service", service);
            }
            query.append_pair("scope", &scope);
            drop(query);
            let request = client.request(Method::GET, url);
            match other {
                Some(DockerCredential::UsernamePassword(user, password)) => {
                    request.header(AUTHORIZATION, basic(user, password))
                }
                _ => request,
            }
        }
    };
    let response = session.transport.send(&session.host, request, 0).await?;
    let host = session.host.clone();
    let what = "a token".to_owned();
    match response.status() {
        status if status.is_success() => {}
        status if status.is_redirection() => {
            return Err(RegistryError::Redirected { host, what, to: location(&response) });
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Ok(None),
        StatusCode::TOO_MANY_REQUESTS => return Err(RegistryError::Busy { host, after: after(&response) }),
        status if status.is_server_error() => {
            return Err(RegistryError::Trouble { host, what, said: session.said(response).await });
        }
        _ => return Err(RegistryError::NoToken { host, said: session.said(response).await }),
    }
    let body = session.transport.body(&host, "a token", response, LARGEST).await?;
    let no_token = |said: &str| RegistryError::NoToken { host: host.clone(), said: said.to_owned() };
    // Serde's words would quote what may be the token.
    let answer: Answer = serde_json::from_slice(&body).map_err(|_| no_token("its answer is not understood"))?;
    let token = answer.token.or(answer.access_token).filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| no_token("there is none in its answer"))?;
    let header = sensitive(&format!("Bearer {token}")).ok_or_else(|| no_token("it cannot stand in a header"))?;
    Ok(Some(header))
}
