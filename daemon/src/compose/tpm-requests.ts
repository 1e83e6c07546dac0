/** What people ask of the TPM over the control socket: a challenge answered, an examination. */
import {
  answerChallenge,
  decodeAttestationChallenge,
  equalBytes,
  ProofError,
} from '@kudurru/proof';

import { KudurruError, reasonOf, wrapError } from '../base/errors.ts';
import type { Log, LogFields } from '../base/log.ts';
import type { TpmExaminationView } from '../control/views.ts';
import type { CredentialActivation } from '../hardware/credential-activation.ts';
import {
  type ExaminationRequest,
  type TpmExamination,
  type TpmExaminer,
  examinationRunsMax,
} from '../hardware/tpm-examination.ts';
import type { TokenPin } from '../hardware/token-pin.ts';
import { pinCheck } from './pin-view.ts';

export { examinationRunsMax };

/** Loading the endorsement key and opening one credential: seconds on a slow chip. */
const activationTimeoutMs = 30_000;
export interface Examined {
  readonly tpm: TpmExaminer;
  readonly pin: TokenPin;
}

/** Below the patience of who asks over the control socket. */
const examinationTimeoutMs = 50_000;

/**
 * The answer's file.
 * @throws KudurruError `request-malformed`, `credential-refused`, those of devices
 */
export async function answerTo(
  challengeFile: Uint8Array,
  by: { readonly tpm: CredentialActivation; readonly applianceId: Uint8Array },
): Promise<Uint8Array> {
  const { applianceId, credentialBlob, encryptedSecret } = parsed(challengeFile);
  if (!equalBytes(applianceId, by.applianceId)) {
    throw new KudurruError(
      'credential-refused',
      'challenge not answered: it was made from the identity of another appliance',
    );
  }
  const credential = { credentialBlob, encryptedSecret };
  const secret = await by.tpm.activateCredential(credential, activationTimeoutMs);
  return answerChallenge(challengeFile, secret);
}

function parsed(file: Uint8Array): ReturnType<typeof decodeAttestationChallenge> {
  try {
    return decodeAttestationChallenge(file);
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause;
    throw wrapError('request-malformed', 'request not accepted: this is no challenge', cause);
  }
}

/** @throws KudurruError `request-malformed`, device codes */
export async function examine(
  request: ExaminationRequest,
  by: Examined,
): Promise<TpmExaminationView> {
  const { runs } = request;
  if (runs < 1 || runs > examinationRunsMax) {
    throw new KudurruError(
      'request-malformed',
      `request not accepted: ${runs} runs are not 1 to ${examinationRunsMax}`,
    );
  }
  return examinationView(await examined(request, by));
}

async function examined(
  request: ExaminationRequest,
  { tpm, pin }: Examined,
): Promise<TpmExamination> {
  const found = await tpm.examine(request, examinationTimeoutMs);
  const kept = pinCheck(await pin.describePin(examinationTimeoutMs));
  return { ...found, checks: [...found.checks, kept] };
}

function examinationView(found: TpmExamination): TpmExaminationView {
  const { clock, ...rest } = found;
  const { clockMs, timeMs, ...counts } = clock;
  return { ...rest, clock: { clockMs: Number(clockMs), timeMs: Number(timeMs), ...counts } };
}

/** Once, after the start: one line of the log. Nobody waits for it. */
export async function reportTpm(
  options: Examined & { readonly log: Log; readonly isStopping: () => boolean },
): Promise<void> {
  const { log, isStopping } = options;
  try {
    const found = await examined({ runs: 1, wear: false }, options);
    log.info('TPM examined', examinationFields(found));
  } catch (error) {
    if (!isStopping()) log.warning('TPM not examined', { reason: reasonOf(error) });
  }
}

function examinationFields(found: TpmExamination): LogFields {
  const { manufacturer, vendorString, firmware, label, revision } = found;
  const poor = found.checks.filter(({ outcome }) => outcome !== 'good');
  const checks = poor.map(({ name, text }) => `${name}: ${text}`).join('; ');
  const latencies = found.latencies.map(({ operation, p50Ms }) => `${operation} ${p50Ms}`);
  return {
    label,
    manufacturer: `${manufacturer} ${vendorString}`,
    firmware,
    revision: (revision / 100).toFixed(2),
    checks: poor.length === 0 ? `all ${found.checks.length} good` : checks,
    quirks: found.quirks.map(({ name }) => name).join(', ') || 'none',
    latencyMs: latencies.join(', '),
  };
}
