import { createHash } from 'node:crypto';

/** An answer as it is sent: made once, however often it is asked for. */
export class FinishedAnswer {
  /** Its JSON in UTF-8. */
  readonly bytes: Buffer;
  /** Weak, as those of lists are. */
  readonly etag: string;

  constructor(answer: unknown) {
    this.bytes = Buffer.from(JSON.stringify(answer));
    this.etag = `W/"${createHash('sha1').update(this.bytes).digest('base64url')}"`;
  }
}
