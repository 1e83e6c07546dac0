/**
 * PCR and extend index of a loaded TPM. An extension is compared before it is made, so that one
 * whose answer was lost is never made twice; between the two commands only a reset of the TPM can
 * come, and the TPM's boot then shows that the PCR began anew.
 */
import { parseAttest, pcrDigest } from '@kudurru/proof';
import type { ObjectHandle } from '@kudurru/tpm2-tss';

import type { Extension, Registers } from '../anchor-registers.ts';
import type { Attestation, Quote, QuoteRequest } from '../attestation.ts';
import type { PcrValue } from '../boot-approval.ts';
import type { Deadline } from '../deadline.ts';
import { DeviceError } from '../device-error.ts';
import { type LoadedTpm, readCounter } from './tpm-loaded.ts';
import { requireSigner } from './tpm-signer.ts';

/** TPM2_PCR_Read gives no more at a time (Part 2 §10.9.5, TPML_DIGEST). */
const pcrsPerRead = 8;
/** PCRs or boots that change between two commands, again and again, are a fault. */
const attemptsMax = 4;
const registerSizeBytes = 32;

export async function readRegisters(loaded: LoadedTpm, deadline: Deadline): Promise<Registers> {
  const { tpm, counter, extend } = loaded;
  const readClock = () => tpm.platform.readClock({ timeoutMs: deadline.remainingMs() });
  let before = await readClock();
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const value = await readCounter(tpm, counter, deadline);
    const pcr = await readAnchorPcr(loaded, deadline);
    const index = extend === null ? null : await readExtend(loaded, extend, deadline);
    const clock = await readClock();
    const isOneBoot =
      clock.resetCount === before.resetCount && clock.restartCount === before.restartCount;
    if (isOneBoot) return { clock, counter: value, pcr, extend: index };
    before = clock;
  }
  throw unsteady('the TPM is reset again and again');
}

export async function extendPcr(
  loaded: LoadedTpm,
  { from, data }: Extension,
  deadline: Deadline,
): Promise<Uint8Array> {
  const pcr = anchorPcrOf(loaded);
  const shown = await readAnchorPcr(loaded, deadline);
  if (shown === null || Buffer.compare(shown, from) !== 0) return shown ?? missing('anchor PCR');
  await loaded.tpm.platform.extendPcr(pcr, data, { timeoutMs: deadline.remainingMs() });
  return (await readAnchorPcr(loaded, deadline)) ?? missing('anchor PCR');
}

export async function extendIndex(
  loaded: LoadedTpm,
  { from, data }: Extension,
  deadline: Deadline,
): Promise<Uint8Array> {
  const index = loaded.extend ?? missing('extend index');
  const shown = await readExtend(loaded, index, deadline);
  if (Buffer.compare(shown, from) !== 0) return shown;
  await loaded.tpm.nv.extend(index, data, { timeoutMs: deadline.remainingMs() });
  return readExtend(loaded, index, deadline);
}

export async function certifyIndex(
  loaded: LoadedTpm,
  qualifyingData: Uint8Array,
  deadline: Deadline,
): Promise<Attestation> {
  const { tpm, ak, extend } = loaded;
  const index = extend ?? missing('extend index');
  const what = { index, size: registerSizeBytes, qualifyingData };
  const options = { timeoutMs: deadline.remainingMs() };
  return requireSigner(loaded, await tpm.attestations.nvCertify(ak, what, options));
}

export async function quotePcrs(
  loaded: LoadedTpm,
  request: QuoteRequest,
  deadline: Deadline,
): Promise<Quote> {
  const { tpm, ak } = loaded;
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const values = await readPcrs(tpm, request.pcrs, deadline);
    const made = await tpm.attestations.quote(ak, request, { timeoutMs: deadline.remainingMs() });
    const { attested } = parseAttest(requireSigner(loaded, made).attest);
    if (attested.type !== 'quote') throw unsteady('it quoted something else than PCRs');
    if (Buffer.compare(attested.pcrDigest, pcrDigest(values)) === 0) return { ...made, values };
  }
  throw unsteady('its PCRs change between their reading and the quote');
}

export async function readBoot(
  { tpm }: LoadedTpm,
  pcrs: readonly number[],
  deadline: Deadline,
): Promise<PcrValue[]> {
  const values = await readPcrs(tpm, pcrs, deadline);
  return pcrs.map((pcr, place) => ({ pcr, value: values[place] ?? new Uint8Array() }));
}

async function readPcrs(
  tpm: LoadedTpm['tpm'],
  pcrs: readonly number[],
  deadline: Deadline,
): Promise<Uint8Array[]> {
  const values: Uint8Array[] = [];
  for (let first = 0; first < pcrs.length; first += pcrsPerRead) {
    const page = pcrs.slice(first, first + pcrsPerRead);
    values.push(...(await tpm.platform.readPcrs(page, { timeoutMs: deadline.remainingMs() })));
  }
  if (values.length === pcrs.length) return values;
  throw new DeviceError(
    'device-unfit',
    `TPM not usable: it has no SHA-256 bank with the PCRs ${pcrs.join(', ')}`,
  );
}

async function readAnchorPcr(loaded: LoadedTpm, deadline: Deadline): Promise<Uint8Array | null> {
  if (loaded.state.anchoring === null) return null;
  const [value] = await readPcrs(loaded.tpm, [anchorPcrOf(loaded)], deadline);
  return value ?? null;
}

async function readExtend(
  { tpm }: LoadedTpm,
  index: ObjectHandle,
  deadline: Deadline,
): Promise<Uint8Array> {
  return tpm.nv.read(index, { timeoutMs: deadline.remainingMs() });
}

function anchorPcrOf({ state }: LoadedTpm): number {
  return state.anchoring?.pcrIndex ?? missing('anchor PCR');
}

function missing(what: string): never {
  throw new DeviceError(
    'device-unfit',
    `TPM not usable for this: it was provisioned without an ${what}`,
  );
}

function unsteady(why: string): DeviceError {
  return new DeviceError('device-refused', `TPM not read: ${why}`);
}
