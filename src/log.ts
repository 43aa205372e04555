/** The log's lines, made by pino: JSON for machines, or text for people. Which values may stand in them, lib/log.ts says. */
import { destination, pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';
import { LoggedAddress, type AddressKind, type Log, type LogFields, type LogValue } from '#lib/log';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_FORMATS = ['text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Which addresses are shown: none, those of the clients' machines, or those of persons, too. */
export const LOG_ADDRESSES = ['none', 'peers', 'all'] as const;
export type LogAddresses = (typeof LOG_ADDRESSES)[number];

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly addresses: LogAddresses;
}

/** Takes whole lines, line end included. */
export interface LineWriter {
  write(line: string): void;
}

const SHOWN: Readonly<Record<LogAddresses, readonly AddressKind[]>> = {
  none: [],
  peers: ['peer'],
  all: ['peer', 'person'],
};

/** A log that writes to `output`, standard error by default. Lines are written at once: none is lost when the process ends. */
export function createLog(options: LogOptions, output: LineWriter = standardError()): Log {
  const stream: DestinationStream =
    options.format === 'json'
      ? output
      : {
          write: (line) => {
            output.write(asText(JSON.parse(line) as Line));
          },
        };
  const logger = pino(
    {
      level: options.level,
      messageKey: 'event',
      // Neither process ID nor host name: journald and syslog add them.
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    stream,
  );
  return asLog(logger, options.addresses);
}

function standardError(): LineWriter {
  return destination({ dest: 2, sync: true });
}

function asLog(logger: Logger, addresses: LogAddresses): Log {
  const fields = (given: LogFields = {}): Record<string, string | number | boolean> =>
    Object.fromEntries(Object.entries(given).map(([name, value]) => [name, shown(value, addresses)]));
  return {
    error: (event, given) => {
      logger.error(fields(given), event);
    },
    warn: (event, given) => {
      logger.warn(fields(given), event);
    },
    info: (event, given) => {
      logger.info(fields(given), event);
    },
    debug: (event, given) => {
      logger.debug(fields(given), event);
    },
    with: (given) => asLog(logger.child(fields(given)), addresses),
  };
}

/**
 * What may be seen of a value. An object can only be a Secret; should another get past the types, it is hidden as well.
 */
function shown(value: LogValue, addresses: LogAddresses): string | number | boolean {
  if (value instanceof LoggedAddress) return SHOWN[addresses].includes(value.kind) ? value.reveal() : String(value);
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return '[secret]';
}

type Line = Readonly<Record<string, string | number | boolean>> & {
  readonly time: string;
  readonly level: string;
  readonly event: string;
};

/** `2026-11-24T10:00:00.000Z info  session opened session=k3v9 peer=192.0.2.1` */
function asText({ time, level, event, ...fields }: Line): string {
  const words = Object.entries(fields).map(([name, value]) => `${name}=${quoted(String(value))}`);
  return `${[time, level.padEnd(5), ...event.split('\n', 1), ...words].join(' ')}\n`;
}

/** A value with anything but visible ASCII in it, or that would look like two, is quoted, so that an event stays one line. */
function quoted(text: string): string {
  if (/^[\x21\x23-\x3c\x3e-\x7e]+$/.test(text)) return text;
  // JSON leaves C1 controls, line separators and characters that turn the direction of writing as they are.
  return JSON.stringify(text).replace(
    /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
