"""The certificate a server shows, read anew when its files were renewed: a process outlives the certificate it began with.

cert-manager and its like replace the files under a running pod, weeks before a certificate expires; nobody restarts the pod.
"""

import grpc
import structlog

from maatu_runtime.config import ServiceConfig
from maatu_runtime.errors import ConfigurationError

log = structlog.get_logger()


def server_credentials(config: ServiceConfig) -> grpc.ServerCredentials | None:
    """Credentials for a port, looked up at each new connection; None without TLS.

    Raises:
        ConfigurationError: only one of certificate and key is set, or a file cannot be read.
    """
    if config.tls_cert is None and config.tls_key is None:
        return None
    if config.tls_cert is None or config.tls_key is None:
        raise ConfigurationError("TLS needs both the certificate (…_TLS_CERT) and its key (…_TLS_KEY)")
    try:
        shown = _read(config)
    except OSError as error:
        raise ConfigurationError(f"cannot read a file for TLS: {error}") from error

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        nonlocal shown
        try:
            now = _read(config)
        except OSError as error:
            log.warning("certificate cannot be read, the one before is shown", error=str(error))
            return None
        if now == shown:
            return None
        shown = now  # gRPC goes on with the one before where certificate and key do not belong together
        log.info("certificate renewed", certificate=str(config.tls_cert))
        return _configuration(*now)

    first = _configuration(*shown)
    return grpc.dynamic_ssl_server_credentials(first, renewed, config.tls_client_ca is not None)  # type: ignore[arg-type]  # the stubs lack None


def _read(config: ServiceConfig) -> tuple[bytes, bytes, bytes | None]:
    """The key, the certificate's chain and the authority of clients."""
    assert config.tls_key is not None
    assert config.tls_cert is not None
    client_ca = config.tls_client_ca.read_bytes() if config.tls_client_ca is not None else None
    return config.tls_key.read_bytes(), config.tls_cert.read_bytes(), client_ca


def _configuration(key: bytes, chain: bytes, client_ca: bytes | None) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(key, chain)], client_ca)
