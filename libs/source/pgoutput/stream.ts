import { Socket } from 'node:net';
import type pg from 'pg';
import { LogicalReplicationService, type Pgoutput, PgoutputPlugin } from 'pg-logical-replication';
import { messageOf } from '#libs/domain/errors.ts';
import { formatLsn, parseLsn } from '#libs/domain/position.ts';
import type { SourceNames } from '#libs/domain/source-tables/names.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { settleSession } from '#libs/platform/postgres/session-settings.ts';
import type { TextEncoding } from '../postgres/encoding.ts';
import { isBadText, isFileMissing, UnreadableLog, Waiting } from '../postgres/faults.ts';
import { linkConfig } from '../postgres/link.ts';
import { Assembler } from './assemble.ts';
import type { ChangeQueue } from './queue.ts';

export interface StreamOptions {
  readonly address: DatabaseAddress;
  readonly slot: string;
  readonly publication: string;
  readonly names: SourceNames;
  readonly epoch: number;
  /** Where to begin: the end of the last durably applied commit. */
  readonly start: bigint;
  /** A current 64-bit transaction id. */
  readonly latestXid: bigint;
  readonly encoding: TextEncoding;
  /** The server hears from us at least this often, milliseconds: well below its wal_sender_timeout. */
  readonly statusEvery: number;
  readonly queue: ChangeQueue;
  /** Called when the server has acquired the slot for us. */
  readonly onStart: () => void;
  /** Called for each message, with the furthest LSN it mentions. */
  readonly onHeard: (walEnd: bigint) => void;
  /** Called when the log may have advanced without a change of ours. */
  readonly onIdle: () => void;
  /** Called with the failure that ends the stream; its regular end counts as one. */
  readonly onFailure: (error: Error) => void;
}

export interface Stream {
  /** Everything before `lsn` is durable: the server may discard it. Never moves back. */
  confirm(lsn: bigint): void;
  /** To be called after each take from the queue: resumes reading if there is room again. */
  resume(): void;
  close(): void;
}

/** The library parses in a socket's event handler; an error thrown there would end the process, so it is returned. */
type Parsed = { readonly message: Pgoutput.Message; readonly bytes: number } | { readonly error: Error };

class CarryingPlugin extends PgoutputPlugin {
  /** What the driver reads from: the socket, or the TLS socket on top of it. Known once the stream starts. */
  reading: Socket | undefined;
  readonly #encoding: TextEncoding;

  constructor(options: ConstructorParameters<typeof PgoutputPlugin>[0], encoding: TextEncoding) {
    super(options);
    this.#encoding = encoding;
  }

  override async start(client: pg.Client, slot: string, lsn: string): Promise<unknown> {
    this.reading = (client as unknown as { connection: { stream: Socket } }).connection.stream;
    await settleSession(client, { client_encoding: this.#encoding.client_encoding });
    return super.start(client, slot, lsn);
  }

  override parse(buffer: Buffer): never {
    return this.#tryParse(buffer) as never;
  }

  #tryParse(buffer: Buffer): Parsed {
    try {
      return { message: super.parse(buffer), bytes: buffer.length };
    } catch (error) {
      // With the library's message alone, nobody could tell afterwards what the bytes were.
      const begin = buffer.subarray(0, 8).toString('hex');
      const what = `a message of ${buffer.length} bytes that begin with ${begin}`;
      return { error: new Error(`${messageOf(error)} (${what})`, { cause: error }) };
    }
  }
}

/** We answer at most this often, milliseconds, since a server that shuts down asks without pause. */
const ANSWER_EVERY = 100;

/**
 * Starts streaming from a slot into the queue.
 *
 * The library's automatic and timed acknowledgements are off: both confirm what was merely received.
 */
export function openStream(options: StreamOptions): Stream {
  const { queue } = options;
  const socket = new Socket();
  const service = new LogicalReplicationService(linkConfig(options.address, 'stream', socket), {
    acknowledge: { auto: false, timeoutSeconds: 0 },
    flowControl: { enabled: false },
  });
  const plugin = new CarryingPlugin(
    { protoVersion: 1, publicationNames: [options.publication], messages: true },
    options.encoding,
  );
  const reader = new Reader(options);
  const status = new StatusSender(service, options.start, options.statusEvery, options.onFailure);
  let paused = false;
  let closed = false;
  const close = (): void => {
    if (closed) return;
    closed = true;
    status.close();
    socket.destroy();
    service.destroy().catch(() => {});
  };
  const fail = (error: unknown): void => {
    if (!closed) options.onFailure(asFailure(error));
    close();
  };

  service.on('error', fail);
  service.on('start', () => {
    options.onStart();
    status.send();
  });
  service.on('data', (lsn: string, parsed: Parsed) => {
    if (closed) return;
    try {
      reader.data(parseLsn(lsn), parsed);
    } catch (error) {
      fail(error);
      return;
    }
    if (!paused && queue.isOverHighWatermark(false)) {
      paused = true;
      plugin.reading?.pause();
    }
  });
  service.on('heartbeat', (lsn, _serverTime, shouldRespond) => {
    if (closed) return;
    reader.heartbeat(parseLsn(lsn));
    if (shouldRespond) status.answer();
  });
  service
    .subscribe(plugin, options.slot, formatLsn(options.start))
    .then(() => fail(new Waiting('the source server ended the stream')), fail);

  return {
    confirm: (lsn) => status.confirm(lsn),
    resume: () => {
      if (!paused || closed || queue.isOverHighWatermark(true)) return;
      paused = false;
      plugin.reading?.resume();
    },
    close,
  };
}

function asFailure(error: unknown): Error {
  if (isBadText(error))
    return new UnreadableLog(
      `in the log of the source, a text is none in the encoding of its database: ${messageOf(error)}`,
    );
  if (isFileMissing(error)) return new UnreadableLog(`the log of the source is no longer there: ${messageOf(error)}`);
  return error instanceof Error ? error : new Error(String(error));
}

/** Feeds the assembler and reports how far the server's log reaches. */
class Reader {
  readonly #options: StreamOptions;
  readonly #assembler: Assembler;

  constructor(options: StreamOptions) {
    this.#options = options;
    const { names, epoch, latestXid, encoding, queue } = options;
    this.#assembler = new Assembler(names, epoch, latestXid, encoding.read, queue);
  }

  data(lsn: bigint, parsed: Parsed): void {
    if ('error' in parsed) throw new Error(`at ${formatLsn(lsn)}: ${parsed.error.message}`, { cause: parsed.error });
    this.#assembler.accept(lsn, parsed.message, parsed.bytes);
    this.#options.onHeard(lsn);
    if (parsed.message.tag === 'commit') this.#options.onIdle();
  }

  /** Outside a transaction, everything that ended before the server's place in its log was sent before this message. */
  heartbeat(walEnd: bigint): void {
    this.#options.onHeard(walEnd);
    if (this.#assembler.isInTransaction) return;
    this.#options.queue.mark(walEnd, false);
    this.#options.onIdle();
  }
}

/** Tells the server what it may discard: on confirmation, when asked, and on a timer that also runs while paused. */
class StatusSender {
  readonly #service: LogicalReplicationService;
  readonly #onError: (error: Error) => void;
  readonly #timer: NodeJS.Timeout;
  #answerTimer: NodeJS.Timeout | undefined;
  #confirmed: bigint;
  #answeredAt = 0;

  constructor(service: LogicalReplicationService, start: bigint, every: number, onError: (error: Error) => void) {
    this.#service = service;
    this.#confirmed = start;
    this.#onError = onError;
    this.#timer = setInterval(() => this.send(), every);
  }

  confirm(lsn: bigint): void {
    if (lsn <= this.#confirmed) return;
    this.#confirmed = lsn;
    this.send();
  }

  answer(): void {
    if (this.#answerTimer !== undefined) return;
    const wait = Math.max(0, this.#answeredAt + ANSWER_EVERY - performance.now());
    this.#answerTimer = setTimeout(() => {
      this.#answerTimer = undefined;
      this.#answeredAt = performance.now();
      this.send();
    }, wait);
  }

  /**
   * The library adds one to the LSN it is given, so we subtract one. Otherwise the end of a commit would confirm the first
   * byte of the next record; if that is the commit of a concurrent transaction, it would be skipped after a restart.
   */
  send(): void {
    if (this.#confirmed === 0n) return;
    this.#service.acknowledge(formatLsn(this.#confirmed - 1n)).catch(this.#onError);
  }

  close(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#answerTimer);
  }
}
