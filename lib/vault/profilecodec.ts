import { Secret } from '#lib/keys/secret';
import {
  type Blobs,
  type Fields,
  asBoolean,
  asDate,
  asFields,
  asList,
  asNumber,
  asOctets,
  asOneOf,
  asText,
  optional,
} from './decode.js';
import {
  HEADER_CHOICES,
  type Policies,
  type Profile,
  type ProviderAuth,
  type ProviderEndpoint,
  TLS_MODES,
} from './profile.js';

/** Takes a secret out of the JSON and gives the number that stands for it. */
export type PutSecret = (secret: Secret) => number;

/** A profile as a value for JSON. The texts in it are not secret. */
export function encodeProfile(profile: Profile, put: PutSecret): Fields {
  const { name, imap, smtp, auth, compress, policies } = profile;
  return {
    name,
    imap: encodeEndpoint(imap, put),
    smtp: smtp && encodeEndpoint(smtp, put),
    auth: encodeAuth(auth, put),
    compress,
    policies,
  };
}

/** Throws TypeError where the value is not what `encodeProfile` gives. */
export function decodeProfile(value: unknown, blobs: Blobs): Profile {
  const { name, imap, smtp, auth, compress, policies } = asFields(value);
  return {
    name: asText(name),
    imap: decodeEndpoint(imap, blobs),
    ...optional('smtp', smtp, (each) => decodeEndpoint(each, blobs)),
    auth: decodeAuth(auth, blobs),
    compress: asBoolean(compress),
    policies: decodePolicies(asFields(policies)),
  };
}

function decodePolicies({ compatible, headers, exempt }: Fields): Policies {
  return {
    ...optional('compatible', compatible, asBoolean),
    ...optional('headers', headers, (each) => asOneOf(HEADER_CHOICES, each)),
    ...optional('exempt', exempt, (each) => asList(each).map(asText)),
  };
}

function encodeEndpoint(endpoint: ProviderEndpoint, put: PutSecret): Fields {
  const { host, port, tls, ca, pin, clientCertificate: client } = endpoint;
  return {
    host,
    port,
    tls,
    ca,
    pin,
    clientCertificate: client && { certificate: client.certificate, key: put(client.key) },
  };
}

function decodeEndpoint(value: unknown, blobs: Blobs): ProviderEndpoint {
  const { host, port, tls, ca, pin, clientCertificate } = asFields(value);
  return {
    host: asText(host),
    port: asNumber(port),
    tls: asOneOf(TLS_MODES, tls),
    ...optional('ca', ca, asText),
    ...optional('pin', pin, asText),
    ...optional('clientCertificate', clientCertificate, (each) => {
      const { certificate, key } = asFields(each);
      return { certificate: asText(certificate), key: asSecret(key, blobs) };
    }),
  };
}

function encodeAuth(auth: ProviderAuth, put: PutSecret): Fields {
  const { kind, user } = auth;
  if (auth.kind === 'password') return { kind, user, password: put(auth.password) };
  const { accessToken, expires, refresh } = auth;
  return {
    kind,
    user,
    accessToken: put(accessToken),
    expires: expires?.toISOString(),
    refresh: refresh && {
      tokenEndpoint: refresh.tokenEndpoint,
      clientID: refresh.clientID,
      clientSecret: refresh.clientSecret && put(refresh.clientSecret),
      refreshToken: put(refresh.refreshToken),
    },
  };
}

function decodeAuth(value: unknown, blobs: Blobs): ProviderAuth {
  const { kind, user, password, accessToken, expires, refresh } = asFields(value);
  if (asOneOf(['password', 'oauth'], kind) === 'password') {
    return { kind: 'password', user: asText(user), password: asSecret(password, blobs) };
  }
  return {
    kind: 'oauth',
    user: asText(user),
    accessToken: asSecret(accessToken, blobs),
    ...optional('expires', expires, asDate),
    ...optional('refresh', refresh, (each) => {
      const { tokenEndpoint, clientID, clientSecret, refreshToken } = asFields(each);
      return {
        tokenEndpoint: asText(tokenEndpoint),
        clientID: asText(clientID),
        ...optional('clientSecret', clientSecret, (secret) => asSecret(secret, blobs)),
        refreshToken: asSecret(refreshToken, blobs),
      };
    }),
  };
}

function asSecret(value: unknown, blobs: Blobs): Secret {
  const octets = asOctets(value, blobs);
  const secret = new Secret(octets);
  octets.fill(0);
  return secret;
}
