/** What a peer sent is not HTTP as we accept it. Its connection must not be used again. */
export class ProtocolError extends Error {
  /** The status that a client is told. */
  readonly status: number;
  /** Envoy's RESPONSE_CODE_DETAILS. */
  readonly details: string;

  constructor(details: string, status = 400) {
    super(details);
    this.name = 'ProtocolError';
    this.status = status;
    this.details = details;
  }
}
