import type { IncomingMessage } from 'node:http';
import { messageOf, PrepaError } from '#libs/domain/errors.ts';
import { InvalidRequestError } from '#libs/serve/errors.ts';
import { UnsupportedTypeError } from './access.ts';

/** In bytes. Bodies only say what is to be done; data does not come this way. */
const MOST_BYTES = 65_536;

/** The body is longer than any that makes sense. */
export class BodyTooLargeError extends PrepaError {
  constructor() {
    super(
      'body_too_large',
      `the body is longer than ${MOST_BYTES} bytes`,
      'send the few fields that the route takes; GET /openapi.json lists them',
    );
    this.name = 'BodyTooLargeError';
  }
}

const invalid = (message: string): InvalidRequestError =>
  new InvalidRequestError(
    'invalid_body',
    message,
    'send a JSON object with the fields of the route, or no body at all',
  );

/**
 * The JSON of a request; an empty body counts as `{}`. A body that is too long is still read to its end, but not kept: if
 * the connection were closed while it is sent, the sender would lose the answer.
 * @throws BodyTooLargeError, InvalidRequestError, UnsupportedTypeError
 */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const text = await readText(request);
  const { 'content-type': type } = request.headers;
  const isJson = type !== undefined && /^application\/json\s*(;|$)/i.test(type);
  if (text.trim() === '' && type === undefined) return {};
  if (!isJson) throw new UnsupportedTypeError();
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw invalid(`the body is not JSON: ${messageOf(error).slice(0, 200)}`);
  }
}

function readText(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MOST_BYTES) chunks.push(chunk);
      else reject(new BodyTooLargeError());
    });
    request.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    // After the promise has settled this does nothing.
    const cutOff = (): void => reject(invalid('the body ended before its end'));
    request.once('error', cutOff);
    request.once('close', cutOff);
  });
}
