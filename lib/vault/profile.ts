import type { Secret } from '#lib/keys/secret';
import { VaultError } from './error.js';

/** `implicit`: TLS from the first octet; `starttls`: it must be offered and succeed; `none`: for the loopback interface alone. */
export const TLS_MODES = ['implicit', 'starttls', 'none'] as const;
export type TLSMode = (typeof TLS_MODES)[number];

/** A server of the provider, and how it proves who it is. */
export interface ProviderEndpoint {
  /** A host's name in ASCII, or an IP address. */
  readonly host: string;
  readonly port: number;
  readonly tls: TLSMode;
  /** PEM of the authorities that count instead of the system's. */
  readonly ca?: string;
  /** SHA-256 of the server's SubjectPublicKeyInfo in base64 (RFC 7469 §2.4): this key and no other, whoever certifies it. */
  readonly pin?: string;
  readonly clientCertificate?: ClientCertificate;
}

/** With what we prove who we are in TLS. */
export interface ClientCertificate {
  /** PEM: the certificate, and its chain. */
  readonly certificate: string;
  /** PEM: the private key, not encrypted. */
  readonly key: Secret;
}

/** How we log in at the provider. `user` may differ from the address. */
export type ProviderAuth = PasswordAuth | OAuthAuth;

export interface PasswordAuth {
  readonly kind: 'password';
  readonly user: string;
  readonly password: Secret;
}

export interface OAuthAuth {
  readonly kind: 'oauth';
  readonly user: string;
  /** The bearer token for XOAUTH2 and OAUTHBEARER (RFC 7628). */
  readonly accessToken: Secret;
  /** Undefined where the provider has not said. */
  readonly expires?: Date;
  /** What a new access token is asked for with; undefined where somebody else looks after it. */
  readonly refresh?: OAuthRefresh;
}

export interface OAuthRefresh {
  /** An https URL. */
  readonly tokenEndpoint: string;
  readonly clientID: string;
  readonly clientSecret?: Secret;
  readonly refreshToken: Secret;
}

/** What of a message's header stays readable outside its encryption, as lib/message names it. */
export const HEADER_CHOICES = ['standard', 'strict', 'none'] as const;
export type HeaderChoice = (typeof HEADER_CHOICES)[number];

/** What the user has decided about the mail of a profile. What is not there is as the configuration says. */
export interface Policies {
  /** True: SEIPDv1 always. False: only Postern reads this mailbox, so SEIPDv2 always. */
  readonly compatible?: boolean;
  readonly headers?: HeaderChoice;
  /** Names of mailboxes, as mail clients show them, in which messages are stored as they come: not encrypted. */
  readonly exempt?: readonly string[];
}

/** The settings and credentials for an account at a provider. */
export interface Profile {
  /** What stands behind the `!` or `#` of a user name. */
  readonly name: string;
  readonly imap: ProviderEndpoint;
  /** Undefined where nothing is sent through this profile. */
  readonly smtp?: ProviderEndpoint;
  readonly auth: ProviderAuth;
  /** Whether COMPRESS=DEFLATE (RFC 4978) is used towards the provider, where it offers that. */
  readonly compress: boolean;
  readonly policies: Policies;
}

/** Where profiles are: an opened vault. */
export interface HasProfiles {
  readonly profiles: readonly Profile[];
  /** The name of the default profile; undefined where there is none at all. */
  readonly defaultProfile: string | undefined;
}

/** The profile of this name, or the default one. Throws VaultError `not-found`. */
export function profileFor(vault: HasProfiles, name: string | undefined): Profile {
  const wanted = name ?? vault.defaultProfile;
  const profile = vault.profiles.find((each) => each.name === wanted);
  if (profile !== undefined) return profile;
  throw new VaultError(
    'not-found',
    wanted === undefined
      ? 'The vault has no profile. Add one with "postern user profile add".'
      : `The vault has no profile "${wanted}". "postern user show" lists what there is.`,
  );
}
