/**
 * The options of the configuration file: their names, forms, defaults and what the sample says about them. `etc/postern.toml` is
 * generated from here. Each schema's message says what was expected, to end a sentence with.
 */
import { isIP } from 'node:net';
import * as v from 'valibot';
import { LOG_ADDRESSES, LOG_FORMATS, LOG_LEVELS } from '../log.js';
import { LIMITS, type Limit } from './limits.js';
import { type About, isTable } from './walk.js';

const HOST = /^(?!-)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?$/i;
const BASE64_SHA256 = /^[A-Za-z0-9+/]{43}=$/;
const HOST_LENGTH = 255;

const about = <Input>(text: string, more: Omit<About, 'text'> = {}): v.MetadataAction<Input, About> =>
  v.metadata({ text, ...more });

/** Valibot takes an array for an object as well. */
function table<Entries extends v.ObjectEntries>(entries: Entries): v.ObjectSchema<Entries, string> {
  const schema = v.object(entries, 'a table');
  return {
    ...schema,
    '~run': (dataset, config) => schema['~run'](isTable(dataset.value) ? dataset : { value: undefined }, config),
  };
}

const text = (valid: (text: string) => boolean, expected: string): v.GenericSchema<string> =>
  v.pipe(v.string(expected), v.check(valid, expected));

const choice = <const Options extends readonly string[]>(options: Options): v.PicklistSchema<Options, string> =>
  v.picklist(
    options,
    options
      .map((option) => `"${option}"`)
      .join(', ')
      .replace(/, ("\w+")$/, ' or $1'),
  );

function whole(least: number, most: number, expected: string): v.GenericSchema<number> {
  const valid = (number: number): boolean => Number.isInteger(number) && number >= least && number <= most;
  return v.pipe(v.number(expected), v.check(valid, expected));
}

const limit = ({
  default: number,
  least,
  most,
  unit,
  about: reason,
}: Limit): v.OptionalSchema<v.GenericSchema<number>, number> =>
  v.optional(
    v.pipe(
      whole(least, most, `a number of ${unit} from ${least} to ${most}`),
      about(`${reason} In ${unit}, from ${least} to ${most}.`),
    ),
    number,
  );

const port = whole(1, 65_535, 'a port from 1 to 65535');
const file = text((name) => name !== '' && !name.includes('\0'), "a file's name");

const listener = table({
  protocol: v.optional(v.pipe(choice(['imap']), about('"imap", which is all there is so far.')), 'imap'),
  address: v.optional(
    v.pipe(
      text((address) => isIP(address) !== 0, 'an IP address, such as "127.0.0.1" or "::1"'),
      about('An address of this machine, IPv4 or IPv6. "::" means all of them, "0.0.0.0" those of IPv4.'),
    ),
    '127.0.0.1',
  ),
  port: v.optional(v.pipe(port, about('By default 993 with tls = "implicit" and 143 otherwise.', { example: 993 }))),
  tls: v.optional(
    v.pipe(
      choice(['implicit', 'starttls', 'none']),
      about(
        '"implicit": TLS from the first octet. "starttls": no login before STARTTLS. "none": without TLS, on a loopback address only.',
      ),
    ),
    'implicit',
  ),
});

const certificate = table({
  certificate: v.optional(
    v.pipe(
      file,
      about('The certificate in PEM, with its chain behind it.', {
        example: 'tls/fullchain.pem',
        fill: true,
      }),
    ),
  ),
  key: v.optional(
    v.pipe(file, about('Its private key in PEM, without a passphrase.', { example: 'tls/privkey.pem', fill: true })),
  ),
});

const provider = table({
  host: v.optional(
    v.pipe(
      text(
        (host) => isIP(host) !== 0 || (HOST.test(host) && host.length <= HOST_LENGTH),
        "a host's name or an IP address",
      ),
      about('Its name, which must be that of its certificate, or an IP address.', {
        example: 'imap.example.com',
        fill: true,
      }),
    ),
  ),
  port: v.optional(v.pipe(port, about('By default 993 with tls = "implicit" and 143 otherwise.', { example: 993 }))),
  tls: v.optional(
    v.pipe(
      choice(['implicit', 'starttls', 'none']),
      about(
        'As in [[listen]]: "implicit", "starttls", which is then insisted on, or "none" for a provider on this machine.',
      ),
    ),
    'implicit',
  ),
  ca: v.optional(
    v.pipe(
      file,
      about("A PEM file with the authorities that count instead of the system's. No default.", {
        example: 'tls/provider-ca.pem',
      }),
    ),
  ),
  pin: v.optional(
    v.pipe(
      text((pin) => BASE64_SHA256.test(pin), 'the SHA-256 of a public key in base64 (44 characters)'),
      about(
        "Instead of authorities: the SHA-256 of the server's public key (SubjectPublicKeyInfo) in base64. No default.",
        { example: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' },
      ),
    ),
  ),
});

const enrolment = table({
  enabled: v.optional(
    v.pipe(
      v.boolean('true or false'),
      about('true: where a user has no vault, a login that the provider accepts makes one.'),
    ),
    false,
  ),
});

const log = table({
  level: v.optional(
    v.pipe(
      choice(LOG_LEVELS),
      about(
        '"error", "warn", "info" or "debug": the least grave that is written. At "info" little is, when all is well.',
      ),
    ),
    'info',
  ),
  format: v.optional(v.pipe(choice(LOG_FORMATS), about('"text" for people, or "json" for machines.')), 'text'),
  addresses: v.optional(
    v.pipe(
      choice(LOG_ADDRESSES),
      about(
        'Which addresses are shown: "none", those of the clients\' machines ("peers"), or mail addresses and user names, too ("all").',
      ),
    ),
    'peers',
  ),
});

export const SCHEMA = table({
  listen: v.optional(
    v.pipe(
      v.array(listener, 'tables headed [[listen]]'),
      about('Where clients connect. One table for each address and port.'),
    ),
    [],
  ),
  tls: v.optional(v.pipe(certificate, about('For listeners with TLS.')), {}),
  provider: v.optional(
    table({
      imap: v.optional(v.pipe(provider, about('The provider of users who enrol. Others have theirs in their vaults.'))),
    }),
    {},
  ),
  enrolment: v.optional(v.pipe(enrolment, about('Vaults made at the first login.')), {}),
  limits: v.optional(
    v.pipe(
      table({
        connections: limit(LIMITS.connections),
        connections_per_address: limit(LIMITS.connections_per_address),
        handshake_timeout: limit(LIMITS.handshake_timeout),
        login_timeout: limit(LIMITS.login_timeout),
        error_budget: limit(LIMITS.error_budget),
        idle_timeout: limit(LIMITS.idle_timeout),
        stop_timeout: limit(LIMITS.stop_timeout),
      }),
      about('What a client may take.'),
    ),
    {},
  ),
  log: v.optional(v.pipe(log, about('One line an event, on standard error.')), {}),
});

/** The file's values, with the defaults filled in. */
export type Values = v.InferOutput<typeof SCHEMA>;
