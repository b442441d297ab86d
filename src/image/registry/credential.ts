/** What a user shows to a registry, or to who gives tokens for it. */
export type Credential =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** A refresh token of OAuth 2, as `docker login` keeps it where the registry gave one. */
  | { readonly kind: 'identity'; readonly token: string }
  /** A token that goes to the registry as it is. */
  | { readonly kind: 'bearer'; readonly token: string };

/** What must not stand in an error, in every form in which it is sent. */
export function secretsOf(credential: Credential | undefined): readonly string[] {
  if (credential === undefined) return [];
  return credential.kind === 'password' ? [credential.password, basicOf(credential.username, credential.password)] : [credential.token];
}

/** The value behind `Basic ` (RFC 7617). */
export function basicOf(username: string, password: string): string {
  return Buffer.from(`${username}:${password}`).toString('base64');
}

/** `text` without them. What has three characters or less would tear holes into every sentence, and show itself by them. */
export function redact(text: string, secrets: Iterable<string>): string {
  let clean = text;
  for (const secret of secrets) if (secret.length > 3) clean = clean.replaceAll(secret, '[secret]');
  return clean;
}
