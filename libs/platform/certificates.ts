/** OpenSSL's and Node's names for a certificate that is not accepted. */
const NOT_TRUSTED = /^(ERR_TLS_CERT|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA)/;

/** Whether the code of an error says that the other side's certificate is not accepted. */
export const isNotTrusted = (code: unknown): boolean => typeof code === 'string' && NOT_TRUSTED.test(code);
