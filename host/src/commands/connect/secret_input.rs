//! The secret that a person connects with: a code or a token, from standard input or the
//! environment.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use ml_connector::secrets::Secret;
use ml_connector::webhooks::{Consent, read_redirect};
use zeroize::Zeroizing;

use super::super::exit;
use super::super::failure::Failure;

const LINE_BYTES_MAX: u64 = 8 * 1024;

const TOKEN_VARIABLE: &str = "ML_CONNECTOR_COMPANY_REQUEST_TOKEN";

/// Reads FreshBooks' authorization code from the address that the browser was redirected to.
pub(super) fn authorization_code(state: &str) -> Result<Secret, Failure> {
    code_in(&read_line()?, state)
}

/// Reads SAP Concur's company request token from the environment or standard input.
pub(super) fn company_request_token(out: &mut impl Write) -> Result<Secret, Failure> {
    if let Ok(token) = std::env::var(TOKEN_VARIABLE) {
        let token = Zeroizing::new(token);
        return secret_from(&token, TOKEN_VARIABLE);
    }
    if io::stdin().is_terminal() {
        writeln!(
            out,
            "Paste the company request token (it is good for 24 hours, and can be seen here):"
        )?;
        out.flush()?;
    }
    secret_from(&read_line()?, "standard input")
}

fn secret_from(text: &str, place: &str) -> Result<Secret, Failure> {
    match text.trim() {
        "" => Err(Failure::usage(format!(
            "there is no company request token in {place}"
        ))),
        token => Ok(Secret::new(token.to_string())),
    }
}

fn read_line() -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new(String::new());
    let mut input = io::stdin().lock().take(LINE_BYTES_MAX);
    input
        .read_line(&mut line)
        .map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
    Ok(line)
}

/// The code of a redirect address, or of what was pasted instead of one.
fn code_in(pasted: &str, state: &str) -> Result<Secret, Failure> {
    let pasted = pasted.trim();
    let Some((_, query)) = pasted.split_once('?') else {
        return bare_code(pasted);
    };
    let query = query.split('#').next().unwrap_or_default();
    match read_redirect(query) {
        Ok((other, _)) if other != state => Err(other_round()),
        Ok((_, Consent::Given(code))) => Ok(code),
        Ok((_, Consent::Denied(why))) => Err(Failure::new(exit::CREDENTIALS, why)),
        Err(fault) => Err(Failure::usage(format!(
            "{fault}; paste the whole address that the browser was redirected to"
        ))),
    }
}

fn bare_code(pasted: &str) -> Result<Secret, Failure> {
    let plausible = !pasted.is_empty() && pasted.bytes().all(|byte| byte.is_ascii_graphic());
    if plausible && !pasted.contains("://") {
        Ok(Secret::new(pasted.to_string()))
    } else {
        Err(Failure::usage(
            "paste the whole address that the browser was redirected to, or the code in it",
        ))
    }
}

fn other_round() -> Failure {
    Failure::usage(
        "the pasted address belongs to an earlier attempt; open the address above and agree again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(pasted: &str) -> Option<String> {
        code_in(pasted, "st4te")
            .ok()
            .map(|code| code.reveal().to_string())
    }

    #[test]
    fn a_code_is_found_in_an_address_or_by_itself() {
        let found = Some("a b&c".to_string());
        assert_eq!(code("https://x.test/cb?code=a+b%26c&state=st4te\n"), found);
        assert_eq!(
            code("https://x.test/cb?state=st4te&code=a%20b%26c#top"),
            found
        );
        assert_eq!(code("  0f3c9 "), Some("0f3c9".to_string()));
    }

    #[test]
    fn what_is_no_code_of_this_round_is_refused() {
        for pasted in [
            "",
            "two words",
            "https://x.test/cb",
            "https://x.test/cb?state=st4te",
            "https://x.test/cb?code=abc&state=other",
            "https://x.test/cb?code=abc&code=def&state=st4te",
            "https://x.test/cb?code=abc&state=st4te&state=st4te",
            "https://x.test/cb?code=abc",
            "https://x.test/cb?error=access_denied&state=st4te",
        ] {
            assert_eq!(code(pasted), None, "{pasted}");
        }
    }
}
