import { createHash } from 'node:crypto';

/** An answer as it is sent: made once, however often it is asked for. */
export class JsonText {
  readonly text: string;
  /** Weak, since it is the same whatever the encoding. */
  readonly etag: string;

  constructor(answer: unknown) {
    this.text = JSON.stringify(answer);
    this.etag = `W/"${createHash('sha1').update(this.text).digest('base64url')}"`;
  }
}
