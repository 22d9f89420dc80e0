//! A server's TLS configuration from PEM files.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WantsServerCert;
use rustls::{ConfigBuilder, ServerConfig, WantsVerifier};

use super::ListenError;
use crate::config::TlsFiles;
use crate::private;

/// A configuration with the server certificate of `files`. `table` is the table of the settings
/// that names them; `clients` says which certificates are asked of clients.
///
/// # Errors
///
/// [`ListenError::Tls`] if a file cannot be read, or key and certificate do not fit together.
pub(crate) fn server_config(
    files: &TlsFiles,
    table: &'static str,
    clients: impl FnOnce(
        ConfigBuilder<ServerConfig, WantsVerifier>,
    ) -> ConfigBuilder<ServerConfig, WantsServerCert>,
) -> Result<ServerConfig, ListenError> {
    let unusable = |file: &Path, detail: String| ListenError::Tls {
        file: file.to_path_buf(),
        table,
        detail,
    };
    let read = |file: &Path| std::fs::read(file).map_err(|error| unusable(file, error.to_string()));
    let chain = CertificateDer::pem_slice_iter(&read(&files.certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unusable(&files.certificate, error.to_string()))?;
    private::check(&files.key).map_err(|exposed| unusable(&files.key, exposed.to_string()))?;
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?).map_err(|error| match error {
        pem::Error::NoItemsFound => unusable(&files.key, "it holds no private key".to_string()),
        other => unusable(&files.key, other.to_string()),
    })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| clients(builder).with_single_cert(chain, key))
        .map_err(|error| unusable(&files.certificate, error.to_string()))
}
