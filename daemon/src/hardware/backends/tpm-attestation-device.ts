/**
 * AttestationDevice over @kudurru/tpm2-tss. Keys are loaded on first use, and again after the TPM
 * was reset or the connection was lost. A command is sent a second time only when the TPM refused
 * the first because what was loaded is gone: then it did nothing.
 */
import { createHash } from 'node:crypto';

import { Tpm, TpmError, constants, structures, unlessTpmCode } from '@kudurru/tpm2-tss';

import type { AnchorRegisters, Extension, Registers } from '../anchor-registers.ts';
import type { AttestationDevice } from '../attestation-device.ts';
import type { BootApproval, PcrValue } from '../boot-approval.ts';
import type { CredentialActivation, TpmCredential } from '../credential-activation.ts';
import { Deadline } from '../deadline.ts';
import type { Attestation, CounterAttestation, Quote, QuoteRequest } from '../attestation.ts';
import type { AttestationDeviceDescription } from '../device-description.ts';
import { DeviceError } from '../device-error.ts';
import type { TpmSettings } from '../device-settings.ts';
import type { DeviceProvisioning, HierarchyAuthorisation, TpmCustody } from '../provisioning.ts';
import type { ExaminationRequest, TpmExamination, TpmExaminer } from '../tpm-examination.ts';
import { tpmLabel } from './known-emulators.ts';
import { refuseUnable } from './tpm-abilities.ts';
import { activateCredential } from './tpm-credential.ts';
import { authorisationsSetIn, setAuthorisation } from './tpm-custody.ts';
import { examineTpm } from './tpm-examiner.ts';
import { deviceErrorFrom, leavesConnection, wasReset } from './tpm-failure.ts';
import { type LoadedTpm, loadKeys, readCounter } from './tpm-loaded.ts';
import { requireSigner } from './tpm-signer.ts';
import { withPauses } from './tpm-pauses.ts';
import { provisionTpm } from './tpm-provisioning.ts';
import {
  certifyIndex,
  extendIndex,
  extendPcr,
  quotePcrs,
  readBoot,
  readRegisters,
} from './tpm-registers.ts';
import {
  type EmptyTpm,
  type SealedParts,
  type SealingAuthority,
  sealSecret,
  unsealSecret,
} from './tpm-sealing.ts';
import { type ProvisionedTpm, readTpmState } from './tpm-state.ts';
import { takeOver } from './tpm-take-over.ts';
import { Turns } from './turns.ts';

/** A P-256 SubjectPublicKeyInfo up to the coordinates (RFC 5480). */
const spkiPrefix = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex');

export class TpmAttestationDevice
  implements
    AttestationDevice,
    AnchorRegisters,
    CredentialActivation,
    TpmExaminer,
    DeviceProvisioning,
    TpmCustody
{
  readonly #settings: TpmSettings;
  readonly #turns = new Turns();
  #loaded: Promise<LoadedTpm> | undefined;

  constructor(settings: TpmSettings) {
    this.#settings = settings;
  }

  async provision(ledgerId: Uint8Array, timeoutMs: number): Promise<void> {
    const deadline = new Deadline(timeoutMs, 'provisioning of the TPM');
    await this.#release();
    const tpm = await this.#open(deadline);
    try {
      await refuseUnable(tpm, this.#settings, deadline);
      await provisionTpm(tpm, { settings: this.#settings, ledgerId }, deadline);
    } catch (error) {
      throw deviceErrorFrom('provisioning of the TPM', error);
    } finally {
      tpm.close();
    }
    // Loading checks that the stored keys and counter are those of this TPM.
    await this.#use('check of the TPM', deadline, async () => undefined);
  }

  async describe(timeoutMs: number): Promise<AttestationDeviceDescription> {
    const deadline = new Deadline(timeoutMs, 'description of the TPM');
    return this.#use('description of the TPM', deadline, async (loaded) => {
      const { tpm, state } = loaded;
      const options = { timeoutMs: deadline.remainingMs() };
      const properties = await tpm.platform.properties(options);
      const clock = await tpm.platform.readClock({ timeoutMs: deadline.remainingMs() });
      return {
        label: tpmLabel(this.#settings.label, properties.manufacturer),
        manufacturer: properties.manufacturer,
        vendorString: properties.vendorString,
        firmwareVersion: properties.firmwareVersion,
        ledgerId: state.ledgerId,
        ekPublic: state.ekPublic,
        ekCertificates: state.ekCertificates,
        akPublic: state.akPublic,
        akQualifiedName: loaded.akQualifiedName,
        checkpointKeyPublic: state.checkpointKeyPublic,
        checkpointKeySpki: spkiOf(state.checkpointKeyPublic),
        checkpointKeyCreation: {
          creationData: state.creationData,
          creationHash: state.creationHash,
          attest: state.creationAttest,
          signature: state.creationSignature,
        },
        counterPublic: state.counterPublic,
        counterName: loaded.counterName,
        counterBase: state.counterBase,
        extendPublic: state.anchoring?.extendPublic ?? null,
        pcrIndex: state.anchoring?.pcrIndex ?? null,
        authorisationsSet: authorisationsSetIn(properties.values),
        clock,
      };
    });
  }

  async setAuthorisation(what: HierarchyAuthorisation, timeoutMs: number): Promise<void> {
    const deadline = new Deadline(timeoutMs, `${what.hierarchy} authorisation of the TPM`);
    return this.#use(`setting of the ${what.hierarchy} authorisation`, deadline, (loaded) =>
      setAuthorisation(loaded, what, deadline),
    );
  }

  async bracket(qualifyingData: Uint8Array, timeoutMs: number): Promise<Attestation> {
    const deadline = new Deadline(timeoutMs, 'time attestation');
    return this.#use('time attestation', deadline, async (loaded) => {
      const options = { timeoutMs: deadline.remainingMs() };
      const { attestations } = loaded.tpm;
      return requireSigner(loaded, await attestations.getTime(loaded.ak, qualifyingData, options));
    });
  }

  async certifyCounter(qualifyingData: Uint8Array, timeoutMs: number): Promise<CounterAttestation> {
    const deadline = new Deadline(timeoutMs, 'counter attestation');
    return this.#use('counter attestation', deadline, async (loaded) => {
      const { tpm, ak, counter: index } = loaded;
      const options = { timeoutMs: deadline.remainingMs() };
      const what = { index, size: 8, qualifyingData };
      const made = requireSigner(loaded, await tpm.attestations.nvCertify(ak, what, options));
      const { attested } = structures.parseAttest(made.attest);
      const { contents } = structures.parseNvCertifyInfo(attested);
      return { ...made, value: new DataView(contents.buffer).getBigUint64(0) };
    });
  }

  async signCheckpoint(message: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const deadline = new Deadline(timeoutMs, 'signature of the checkpoint');
    const digest = createHash('sha256').update(message).digest();
    return this.#use('signature of the checkpoint', deadline, ({ tpm, checkpointKey }) =>
      tpm.keys.sign(checkpointKey, digest, { timeoutMs: deadline.remainingMs() }),
    );
  }

  async incrementCounter(timeoutMs: number): Promise<bigint> {
    const deadline = new Deadline(timeoutMs, 'increment of the counter');
    let before: bigint | undefined;
    let incremented = false;
    try {
      return await this.#use('increment of the counter', deadline, async ({ tpm, counter }) => {
        // Read again before it is sent again: not even a refusal is taken for "not done".
        const shown = await readCounter(tpm, counter, deadline);
        before ??= shown;
        incremented ||= shown !== before;
        if (!incremented) await tpm.nv.increment(counter, { timeoutMs: deadline.remainingMs() });
        incremented = true;
        return readCounter(tpm, counter, deadline);
      });
    } catch (error) {
      if (!incremented || !(error instanceof DeviceError)) throw error;
      const message = `${error.message}; the counter was incremented, only its value is unknown`;
      throw new DeviceError(error.code, message, { deviceMayHaveChanged: true, cause: error });
    }
  }

  async readRegisters(timeoutMs: number): Promise<Registers> {
    const deadline = new Deadline(timeoutMs, 'reading of the anchor registers');
    return this.#use('reading of the anchor registers', deadline, (loaded) =>
      readRegisters(loaded, deadline),
    );
  }

  async extendPcr(extension: Extension, timeoutMs: number): Promise<Uint8Array> {
    const deadline = new Deadline(timeoutMs, 'extension of the PCR');
    return this.#use('extension of the PCR', deadline, (loaded) =>
      extendPcr(loaded, extension, deadline),
    );
  }

  async extendIndex(extension: Extension, timeoutMs: number): Promise<Uint8Array> {
    const deadline = new Deadline(timeoutMs, 'extension of the index');
    return this.#use('extension of the index', deadline, (loaded) =>
      extendIndex(loaded, extension, deadline),
    );
  }

  async certifyExtend(qualifyingData: Uint8Array, timeoutMs: number): Promise<Attestation> {
    const deadline = new Deadline(timeoutMs, 'attestation of the extend index');
    return this.#use('attestation of the extend index', deadline, (loaded) =>
      certifyIndex(loaded, qualifyingData, deadline),
    );
  }

  async quote(request: QuoteRequest, timeoutMs: number): Promise<Quote> {
    const deadline = new Deadline(timeoutMs, 'quote of PCRs');
    return this.#use('quote of PCRs', deadline, (loaded) => quotePcrs(loaded, request, deadline));
  }

  async activateCredential(credential: TpmCredential, timeoutMs: number): Promise<Uint8Array> {
    const deadline = new Deadline(timeoutMs, 'answer to the challenge');
    return this.#use('answer to the challenge', deadline, (loaded) =>
      activateCredential(loaded, credential, deadline),
    );
  }

  async examine(request: ExaminationRequest, timeoutMs: number): Promise<TpmExamination> {
    const deadline = new Deadline(timeoutMs, 'examination of the TPM');
    return this.#use('examination of the TPM', deadline, (loaded) =>
      examineTpm(loaded, { settings: this.#settings, request }, deadline),
    );
  }

  /** A secret of at most 128 bytes, which only approved boots open. */
  async seal(
    data: Uint8Array,
    authority: SealingAuthority,
    deadline: Deadline,
  ): Promise<SealedParts> {
    return this.#whileEmpty('sealing of a secret', deadline, (empty) =>
      sealSecret(empty, { data, authority }, deadline),
    );
  }

  async unseal(
    what: {
      readonly sealed: SealedParts;
      readonly authority: SealingAuthority;
      readonly approval: BootApproval;
    },
    deadline: Deadline,
  ): Promise<Uint8Array> {
    return this.#whileEmpty('unsealing of a secret', deadline, (empty) =>
      unsealSecret(empty, what, deadline),
    );
  }

  /** Of the SHA-256 bank, as they are now. */
  async readBoot(pcrs: readonly number[], deadline: Deadline): Promise<PcrValue[]> {
    return this.#use('reading of PCRs', deadline, (loaded) => readBoot(loaded, pcrs, deadline));
  }

  /** Takes our keys out of the TPM and ends the connection. The TPM itself is not shut down. */
  async close(timeoutMs: number): Promise<void> {
    const [loading] = await Promise.allSettled([this.#loaded]);
    // A load that failed has closed its connection itself.
    if (loading.status === 'rejected' || loading.value === undefined) return;
    const { tpm, ak, checkpointKey } = loading.value;
    try {
      for (const key of [ak, checkpointKey]) {
        // A reset has emptied the TPM already.
        await unlessTpmCode(constants.responseCode.handle, tpm.keys.flush(key, { timeoutMs }));
      }
    } catch (error) {
      throw deviceErrorFrom('closing of the TPM', error);
    } finally {
      await this.#release();
    }
  }

  async #use<Value>(
    what: string,
    deadline: Deadline,
    command: (loaded: LoadedTpm) => Promise<Value>,
  ): Promise<Value> {
    return this.#turns.shared(() => this.#useLoaded(what, deadline, command));
  }

  /** Our keys are loaded again by the next call. */
  async #whileEmpty<Value>(
    what: string,
    deadline: Deadline,
    command: (empty: EmptyTpm) => Promise<Value>,
  ): Promise<Value> {
    return this.#turns.alone(async () => {
      // A connection that was lost has nothing to flush by; the next one says what is wrong.
      await Promise.allSettled([this.close(deadline.remainingMs())]);
      let tpm: Tpm | undefined;
      try {
        const state = this.#state();
        tpm = await this.#open(deadline);
        return await command({ tpm, state });
      } catch (error) {
        throw deviceErrorFrom(what, error);
      } finally {
        tpm?.close();
      }
    });
  }

  async #useLoaded<Value>(
    what: string,
    deadline: Deadline,
    command: (loaded: LoadedTpm) => Promise<Value>,
  ): Promise<Value> {
    for (let attempt = 0; ; attempt += 1) {
      const loading = (this.#loaded ??= this.#load(deadline));
      const loaded = await this.#whenLoaded(what, loading);
      try {
        return await withPauses(deadline, () => command(loaded));
      } catch (error) {
        const again = attempt === 0 && wasReset(error);
        if (again || !leavesConnection(error)) await this.#release(loading);
        if (!again) throw deviceErrorFrom(what, error);
      }
    }
  }

  /** A load that failed is forgotten, so that the next call tries again. */
  async #whenLoaded(what: string, loading: Promise<LoadedTpm>): Promise<LoadedTpm> {
    try {
      return await loading;
    } catch (error) {
      if (this.#loaded === loading) this.#loaded = undefined;
      throw deviceErrorFrom(what, error);
    }
  }

  /**
   * Closes what is loaded; with `which`, only where it is still that: another call may be ahead.
   */
  async #release(which = this.#loaded): Promise<void> {
    if (which === undefined || which !== this.#loaded) return;
    this.#loaded = undefined;
    const [outcome] = await Promise.allSettled([which]);
    if (outcome.status === 'fulfilled') outcome.value.tpm.close();
  }

  /** Once more where the TPM was reset meanwhile. */
  async #load(deadline: Deadline): Promise<LoadedTpm> {
    try {
      return await this.#loadOnce(deadline);
    } catch (error) {
      if (!wasReset(error)) throw error;
      return this.#loadOnce(deadline);
    }
  }

  async #loadOnce(deadline: Deadline): Promise<LoadedTpm> {
    let tpm: Tpm | undefined;
    try {
      const state = this.#state();
      tpm = await this.#open(deadline);
      await refuseUnable(tpm, this.#settings, deadline);
      return await loadKeys(tpm, { settings: this.#settings, state }, deadline);
    } catch (error) {
      tpm?.close();
      throw error;
    }
  }

  #state(): ProvisionedTpm {
    const state = readTpmState(this.#settings.folder);
    if (state?.stage === 'provisioned') return state;
    throw new DeviceError(
      'device-mismatch',
      `TPM not usable: '${this.#settings.folder}' has no finished keys: they were never ` +
        'made, or are lost',
    );
  }

  async #open(deadline: Deadline): Promise<Tpm> {
    const { tcti, soleUser } = this.#settings;
    try {
      const tpm = await Tpm.open(tcti, { timeoutMs: deadline.remainingMs() });
      if (soleUser) await takeOver(tpm, deadline);
      return tpm;
    } catch (error) {
      const timedOut = error instanceof TpmError && error.failure === 'deadline';
      throw new DeviceError(
        timedOut ? 'device-deadline-exceeded' : 'device-missing',
        `TPM not opened: nothing usable answers at '${tcti}'; check the setting 'tpm' and ` +
          `that the device is there (${deviceErrorFrom('opening', error).message})`,
        { cause: error },
      );
    }
  }
}

function spkiOf(publicArea: Uint8Array): Uint8Array {
  const { key } = structures.parsePublicArea(publicArea);
  if (!('curve' in key))
    throw new DeviceError('device-mismatch', 'the checkpoint key is not P-256');
  const point = [key.x, key.y].map((part) => structures.padLeft(part, 32));
  return Uint8Array.from(Buffer.concat([spkiPrefix, ...point]));
}
