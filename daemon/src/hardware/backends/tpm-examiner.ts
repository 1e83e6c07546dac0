/** The examination of a loaded TPM: abilities, room, guessing limits, clock, quirks, latencies. */
import { constants, type TpmProperties } from '@kudurru/tpm2-tss';

import type { TpmClock } from '../attestation.ts';
import type { Deadline } from '../deadline.ts';
import type { TpmSettings } from '../device-settings.ts';
import type { ExaminationRequest, TpmCheck, TpmExamination } from '../tpm-examination.ts';
import { tpmLabel } from './known-emulators.ts';
import { checkAbilities } from './tpm-abilities.ts';
import { authorisationsSetIn } from './tpm-custody.ts';
import { measureLatencies } from './tpm-latencies.ts';
import type { LoadedTpm } from './tpm-loaded.ts';
import { firmwareParts, quirksOf } from './tpm-quirks.ts';

/** With fewer, a new provisioning beside the old one would not find room. */
const countersSpareMin = 1;
const persistentSpareMin = 1;

const wearCheck: TpmCheck = {
  name: 'wear',
  outcome: 'poor',
  text: "not measured: NV is the owner's to define, and the operators have that authorisation",
};

export async function examineTpm(
  loaded: LoadedTpm,
  order: { readonly settings: TpmSettings; readonly request: ExaminationRequest },
  deadline: Deadline,
): Promise<TpmExamination> {
  const { tpm, state } = loaded;
  const { settings, request } = order;
  const properties = await tpm.platform.properties({ timeoutMs: deadline.remainingMs() });
  const clock = await tpm.platform.readClock({ timeoutMs: deadline.remainingMs() });
  const abilities = await checkAbilities(tpm, settings, deadline);
  const { manufacturer, vendorString, firmwareVersion, values } = properties;
  const revision = values.get(constants.property.revision) ?? 0;
  const canWear = !authorisationsSetIn(values).includes('owner');
  return {
    label: tpmLabel(settings.label, manufacturer),
    manufacturer,
    vendorString,
    firmware: firmwareParts(firmwareVersion).join('.'),
    revision,
    clock,
    checks: [
      ...abilities,
      ...roomChecks(properties),
      lockoutCheck(properties),
      clockCheck(clock),
      ...(request.wear && !canWear ? [wearCheck] : []),
    ],
    quirks: quirksOf({
      manufacturer,
      firmwareVersion,
      revision,
      endorsementProfile: state.ekProfile,
      hasCertificate: state.ekCertificates.length > 0,
    }),
    latencies: await measureLatencies(
      loaded,
      { ...request, wear: request.wear && canWear },
      deadline,
    ),
  };
}

function roomChecks({ values }: TpmProperties): TpmCheck[] {
  const value = (key: number): number => values.get(key) ?? 0;
  const { nvCounters, nvCountersAvailable, persistentAvailable, nvIndexes } = constants.property;
  const counters = value(nvCountersAvailable);
  const persistent = value(persistentAvailable);
  return [
    {
      name: 'NV counters',
      outcome: counters >= countersSpareMin ? 'good' : 'poor',
      text: `${value(nvCounters)} in use, room for ${counters} more`,
    },
    {
      name: 'NV indexes',
      outcome: 'good',
      text:
        `${value(nvIndexes)} defined, each up to ` +
        `${value(constants.property.nvIndexSizeMax)} bytes`,
    },
    {
      name: 'persistent keys',
      outcome: persistent >= persistentSpareMin ? 'good' : 'poor',
      text: `room for ${persistent} more`,
    },
  ];
}

/** Our keys stand outside the lockout; the endorsement key does not. */
function lockoutCheck({ values }: TpmProperties): TpmCheck {
  const value = (key: number): number => values.get(key) ?? 0;
  const { lockoutCounter, maxAuthFail, lockoutInterval, permanent } = constants.property;
  const isLocked = (value(permanent) & constants.permanentAttribute.inLockout) !== 0;
  const failures = value(lockoutCounter);
  const limits = `${value(maxAuthFail)} lock it, one is forgiven in ${value(lockoutInterval)} s`;
  return {
    name: 'lockout',
    outcome: isLocked || failures > 0 ? 'poor' : 'good',
    text: isLocked
      ? `in force after ${failures} failures: the endorsement key cannot be used (${limits})`
      : `${failures} failures counted (${limits})`,
  };
}

function clockCheck({ safe, resetCount, restartCount }: TpmClock): TpmCheck {
  const boots = `reset ${resetCount} times, resumed ${restartCount} times since`;
  return safe
    ? { name: 'clock', outcome: 'good', text: boots }
    : {
        name: 'clock',
        outcome: 'poor',
        text: `may have gone back: the TPM lost power without a shutdown (${boots})`,
      };
}
