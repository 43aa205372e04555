/** From a configuration file to what the program works with, or to everything that is wrong with it. */
import { dirname, resolve } from 'node:path';
import { TomlError, parse } from 'smol-toml';
import * as v from 'valibot';
import type { LogOptions } from '../log.js';
import {
  type Read,
  type ServerCertificate,
  matches,
  readAuthorities,
  readCertificate,
  readKey,
  readText,
} from './certificate.js';
import { checkValues, imapPort } from './check.js';
import { type KeyPath, type Locate, locator } from './locate.js';
import { type Finding, type Problem, optionName } from './problem.js';
import { SCHEMA, type Values } from './schema.js';
import { unknownKeys } from './unknown.js';
import { isTable } from './walk.js';

export type TLSMode = 'implicit' | 'starttls' | 'none';

export interface ListenerOptions {
  readonly protocol: 'imap';
  readonly address: string;
  readonly port: number;
  readonly tls: TLSMode;
}

/** The provider of users who enrol, as profiles have it. */
export interface ProviderOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: TLSMode;
  /** PEM of the authorities that count instead of the system's. */
  readonly ca?: string;
  /** SHA-256 of the server's SubjectPublicKeyInfo in base64. */
  readonly pin?: string;
}

/** Numbers, and times in milliseconds. */
export interface LimitOptions {
  readonly connections: number;
  readonly connectionsPerAddress: number;
  readonly handshakeTimeout: number;
  readonly loginTimeout: number;
  readonly errorBudget: number;
  readonly idleTimeout: number;
  readonly stopTimeout: number;
}

export interface Configuration {
  readonly file: string;
  readonly listeners: readonly ListenerOptions[];
  /** There where a listener has TLS. */
  readonly certificate?: ServerCertificate;
  readonly provider?: ProviderOptions;
  readonly enrolment: { readonly enabled: boolean };
  readonly limits: LimitOptions;
  readonly log: LogOptions;
}

export type Loaded =
  | { readonly ok: true; readonly configuration: Configuration }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads a configuration and the files that it names. All problems are told at once, in the order of their lines. */
export async function loadConfiguration(file: string, now: Date = new Date()): Promise<Loaded> {
  const text = await readText(file);
  if (!text.ok) return { ok: false, problems: [{ file, message: text.problem }] };
  if (text.content.includes('\ufffd')) {
    return { ok: false, problems: [{ file, message: 'The file is not in UTF-8. Save it so.' }] };
  }
  const document = text.content.replace(/^\ufeff/, '');
  let parsed: Readonly<Record<string, unknown>>;
  try {
    parsed = parse(document, { maxDepth: 100 });
  } catch (error) {
    if (error instanceof TomlError) return { ok: false, problems: [syntaxProblem(file, error)] };
    throw error;
  }
  const locate = locator(document);
  const { values, findings, sound } = validate(parsed);
  const files = await readFiles(values, file, now);
  const all = [...findings, ...checkValues({ values, sound, locate }), ...files.findings];
  if (all.length > 0)
    return { ok: false, problems: all.map((finding) => problemOf(file, finding, locate)).sort(byLine) };
  return { ok: true, configuration: configurationOf(file, values, files) };
}

/** The values, with defaults in the place of those that are wrong, so that the rest can be looked at. */
function validate(parsed: Readonly<Record<string, unknown>>): {
  readonly values: Values;
  readonly findings: readonly Finding[];
  readonly sound: (path: KeyPath) => boolean;
} {
  const unknown = unknownKeys(SCHEMA, parsed);
  const { issues = [] } = v.safeParse(SCHEMA, parsed);
  const wrong = issues.map(({ path = [], message }): Finding & { readonly input: unknown } => {
    const keys = path.map(({ key }) => key as string | number);
    return { path: keys, message, input: path.at(-1)?.value };
  });
  const refused = new Set(wrong.map(({ path }) => JSON.stringify(path)));
  const findings = wrong.map(({ path, message, input }) => ({
    path,
    message: `${optionName(path)} is ${shown(input)}; expected ${message}.`,
  }));
  return {
    values: v.parse(SCHEMA, without(parsed, [], refused)),
    findings: [...unknown, ...findings],
    sound: (path) => !path.some((_, index) => refused.has(JSON.stringify(path.slice(0, index + 1)))),
  };
}

/** A copy of a value that lacks what was refused. */
function without(value: unknown, path: KeyPath, refused: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) {
    // A refused item leaves an empty table, so that the indices of the others stay.
    return value.map((each, index) =>
      refused.has(JSON.stringify([...path, index])) ? {} : without(each, [...path, index], refused),
    );
  }
  if (!isTable(value)) return value;
  const kept = Object.entries(value).filter(([key]) => !refused.has(JSON.stringify([...path, key])));
  return Object.fromEntries(kept.map(([key, inner]) => [key, without(inner, [...path, key], refused)]));
}

interface Files {
  readonly certificate?: ServerCertificate;
  readonly ca?: string;
  readonly findings: readonly Finding[];
}

async function readFiles(values: Values, file: string, now: Date): Promise<Files> {
  const findings: Finding[] = [];
  const path = (name: string): string => resolve(dirname(file), name);
  const content = <Content>(option: KeyPath, read: Read<Content> | undefined): Content | undefined => {
    if (read?.ok === false) findings.push({ path: option, message: `${optionName(option)}: ${read.problem}` });
    return read?.ok === true ? read.content : undefined;
  };
  const { tls, provider } = values;
  const certificate = content(
    ['tls', 'certificate'],
    tls.certificate === undefined ? undefined : await readCertificate(path(tls.certificate), now),
  );
  const key = content(['tls', 'key'], tls.key === undefined ? undefined : await readKey(path(tls.key)));
  const ca = content(
    ['provider', 'imap', 'ca'],
    provider.imap?.ca === undefined ? undefined : await readAuthorities(path(provider.imap.ca)),
  );
  const pair = certificate !== undefined && key !== undefined ? { certificate, key } : undefined;
  if (pair !== undefined && !matches(pair.certificate, pair.key)) {
    const message =
      'tls.key is not the key of tls.certificate. Name the two that belong together; in the certificate file, the own one comes first and its chain behind it.';
    findings.push({ path: ['tls', 'key'], message });
  }
  return { ...(pair && { certificate: pair }), ...(ca !== undefined && { ca }), findings };
}

function configurationOf(file: string, values: Values, { certificate, ca }: Files): Configuration {
  const { listen, provider, enrolment, limits, log } = values;
  const { host, port, tls = 'implicit', pin } = provider.imap ?? {};
  return {
    file,
    listeners: listen.map((listener) => ({ ...listener, port: listener.port ?? imapPort(listener.tls) })),
    ...(certificate && { certificate }),
    ...(host !== undefined && {
      provider: {
        host,
        port: port ?? imapPort(tls),
        tls,
        ...(ca !== undefined && { ca }),
        ...(pin !== undefined && { pin }),
      },
    }),
    enrolment,
    limits: {
      connections: limits.connections,
      connectionsPerAddress: limits.connections_per_address,
      handshakeTimeout: milliseconds(limits.handshake_timeout),
      loginTimeout: milliseconds(limits.login_timeout),
      errorBudget: limits.error_budget,
      idleTimeout: milliseconds(limits.idle_timeout),
      stopTimeout: milliseconds(limits.stop_timeout),
    },
    log,
  };
}

function milliseconds(seconds: number): number {
  return seconds * 1000;
}

function syntaxProblem(file: string, { message, line, column }: TomlError): Problem {
  const [reason = ''] = message.replace(/^Invalid TOML document: /, '').split('\n', 1);
  return { file, line, message: `The syntax is wrong in column ${column}: ${reason}. See https://toml.io.` };
}

function problemOf(file: string, { path, message }: Finding, locate: Locate): Problem {
  return { file, line: locate(path), ...(path.length > 0 && { option: optionName(path) }), message };
}

function byLine(one: Problem, other: Problem): number {
  return (one.line ?? 0) - (other.line ?? 0);
}

/** A value in a message: short, and in one line. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Date) return 'a date';
  if (isTable(value)) return 'a table';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
