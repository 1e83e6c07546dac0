/**
 * The one error type of this package. Every parser throws it and nothing else; `verify` turns it
 * into a failed check. `code` is stable and closed; `message` is for people.
 */

/**
 * The closed list of codes.
 *
 * | code | meaning |
 * |---|---|
 * | `bytes-malformed` | not hex, not canonical base64, not UTF-8, or of the wrong length |
 * | `cbor-malformed` | not deterministic CBOR of the accepted subset |
 * | `limit-exceeded` | longer, deeper or more numerous than a named limit allows |
 * | `key-malformed` | not a public key of an accepted type in its canonical encoding |
 * | `signature-malformed` | not a signature of an accepted type in its canonical encoding |
 * | `cose-malformed` | not the one accepted form of COSE_Sign1 or COSE_Key |
 * | `note-malformed` | not a signed note, checkpoint, verifier key or tile path of C2SP |
 * | `tpm-malformed` | not the exact TPM 2.0 structure that was asked for |
 * | `gnss-malformed` | not an NMEA sentence or a UBX frame, or not of the form its kind has |
 * | `ssh-malformed` | not an OpenSSH public key or SSHSIG of an accepted type |
 * | `certificate-malformed` | not an X.509 certificate of the accepted subset |
 * | `certificate-untrusted` | no chain from an endorsement key to a root that is trusted |
 * | `tree-malformed` | an index, size or proof that no RFC 6962 tree can have |
 * | `tile-mismatch` | a tile or entry bundle that contradicts the tree it belongs to |
 * | `time-malformed` | an instant outside the leap-second table, or not a number of nanoseconds |
 * | `ptp-malformed` | not a PTP management message in the exact form of its data set |
 * | `envelope-invalid` | an envelope that breaks the action schema |
 * | `statement-invalid` | a statement that breaks its schema |
 * | `entry-invalid` | an entry that breaks its schema |
 * | `bundle-invalid` | an evidence bundle that breaks its schema |
 * | `challenge-invalid` | an attestation challenge, or the answer to one, that breaks its schema |
 * | `order-invalid` | an operator's order that breaks its schema |
 * | `policy-invalid` | a trust policy that breaks its schema |
 * | `profile-invalid` | a time profile that breaks its schema |
 */
export type ProofErrorCode =
  | 'bytes-malformed'
  | 'cbor-malformed'
  | 'limit-exceeded'
  | 'key-malformed'
  | 'signature-malformed'
  | 'cose-malformed'
  | 'note-malformed'
  | 'tpm-malformed'
  | 'gnss-malformed'
  | 'ssh-malformed'
  | 'certificate-malformed'
  | 'certificate-untrusted'
  | 'tree-malformed'
  | 'tile-mismatch'
  | 'time-malformed'
  | 'ptp-malformed'
  | 'envelope-invalid'
  | 'statement-invalid'
  | 'entry-invalid'
  | 'bundle-invalid'
  | 'challenge-invalid'
  | 'order-invalid'
  | 'policy-invalid'
  | 'profile-invalid';

/** Thrown by every parser and builder of this package. */
export class ProofError extends Error {
  readonly code: ProofErrorCode;

  constructor(code: ProofErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ProofError';
    this.code = code;
  }
}
