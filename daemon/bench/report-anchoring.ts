/** The figures of anchoring and of the devices: for programs, and as rows of the table. */
import type { Anchoring } from './anchoring.ts';
import type { DeviceRates } from './device-rates.ts';

export interface AnchoringMeasured {
  readonly anchoring?: Anchoring;
  readonly devices?: DeviceRates;
}

export function anchoringFigures(measured: AnchoringMeasured): Record<string, number | undefined> {
  const { anchoring, devices } = measured;
  const figures: Record<string, number | undefined> = {
    'anchoring.onPerSecond': anchoring?.onPerSecond,
    'anchoring.offPerSecond': anchoring?.offPerSecond,
    'anchoring.onToOff': anchoring?.onToOff,
    'anchoring.waitP50Ms': anchoring?.wait.p50Ms,
    'anchoring.waitP99Ms': anchoring?.wait.p99Ms,
    'anchoring.anchorsPerSecond': anchoring?.anchorsPerSecond,
    'devices.tpmSignaturesPerSecond': devices?.tpmSignaturesPerSecond,
    'devices.tokenSignaturesPerSecond': devices?.tokenSignaturesPerSecond,
  };
  for (const { operation, p50Ms, p99Ms } of devices?.operations ?? []) {
    figures[`tpm.${operation}.p50Ms`] = p50Ms;
    figures[`tpm.${operation}.p99Ms`] = p99Ms;
  }
  return figures;
}

export function anchoringRows({ anchoring, devices }: AnchoringMeasured): [string, string][] {
  const rows: [string, string][] = [];
  if (anchoring !== undefined) {
    const { onPerSecond, offPerSecond, onToOff, wait, anchorsPerSecond } = anchoring;
    const ratio = onToOff.toFixed(3);
    rows.push(['anchoring on, to once an hour', `${ratio}: ${told(onPerSecond, offPerSecond)}`]);
    rows.push(['  committed to anchored', timesText(wait)]);
    rows.push(['  anchors, each awaited', `${anchorsPerSecond.toFixed(1)}/s`]);
  }
  if (devices !== undefined) {
    const { tpmSignaturesPerSecond, tokenSignaturesPerSecond, operations } = devices;
    rows.push(['checkpoints signed by the TPM', `${tpmSignaturesPerSecond.toFixed(0)}/s`]);
    rows.push(['  by the token', `${tokenSignaturesPerSecond.toFixed(0)}/s`]);
    rows.push(...operations.map((one): [string, string] => [`  ${one.operation}`, timesText(one)]));
  }
  return rows;
}

function told(on: number, off: number): string {
  const count = (value: number): string => Math.round(value).toLocaleString('en-GB');
  return `${count(on)} and ${count(off)} durable actions/s`;
}

function timesText({ p50Ms, p99Ms }: { readonly p50Ms: number; readonly p99Ms: number }): string {
  return `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`;
}
