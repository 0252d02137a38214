import { createHash } from 'node:crypto';

/** An answer ready to be sent: serialised once, however often it is requested. */
export class FinishedAnswer {
  /** Its JSON in UTF-8. */
  readonly bytes: Buffer;
  /** Weak, like the ETags of lists. */
  readonly etag: string;

  constructor(answer: unknown) {
    this.bytes = Buffer.from(JSON.stringify(answer));
    this.etag = `W/"${createHash('sha1').update(this.bytes).digest('base64url')}"`;
  }
}
