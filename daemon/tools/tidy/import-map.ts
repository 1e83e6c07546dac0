/** Nobody imports what its zone may not: the arrows of `zones.ts`, and none besides. */
import { isBuiltin } from 'node:module';
import { posix } from 'node:path';

import { importsOf, type Import } from './imports.ts';
import { perSource, typeScript, type Finding, type Rule, type Source } from './source.ts';
import { STAGES, ZONES, zoneOf, type Zone } from './zones.ts';

export const importMap: Rule = perSource(typeScript, (source) => {
  const zone = zoneOf(source.path);
  if (zone === undefined) {
    return [
      {
        path: source.path,
        line: 1,
        problem: 'is in no zone of the import map',
        instead: 'put it into a folder that has one, or add a row to daemon/tools/tidy/zones.ts',
      },
    ];
  }
  return importsOf(source).flatMap((imported) => check(source, zone, imported));
});

function check(source: Source, zone: Zone, imported: Import): Finding[] {
  const fault = faultOf(source, zone, imported.specifier);
  if (fault === undefined) return [];
  const [problem, instead] = fault;
  return [{ path: source.path, line: imported.line, problem, instead }];
}

/** The problem and what to do in its place, or undefined where the import is allowed. */
function faultOf(source: Source, zone: Zone, specifier: string): [string, string] | undefined {
  if (zone.imports === 'all') return undefined;
  if (specifier.startsWith('.')) return relativeFault(source, zone, specifier);
  if (isBuiltin(specifier)) return builtinFault(zone, specifier);
  const name = packageNameOf(specifier);
  const target = ZONES.find(({ packageName }) => packageName === name);
  if (target !== undefined) return zoneFault(zone, target);
  if (zone.packages?.includes(name) === true) return undefined;
  return [
    `${zone.name} imports the package '${name}'`,
    'keep it behind the zone that has it, or add it to the row of this zone in zones.ts',
  ];
}

function relativeFault(
  source: Source,
  zone: Zone,
  specifier: string,
): [string, string] | undefined {
  const path = posix.join(posix.dirname(source.path), specifier);
  const target = zoneOf(path);
  if (target === undefined) {
    return [`imports '${path}', which is in no zone`, 'import what has a zone in zones.ts'];
  }
  if (target !== zone && target.packageName !== undefined) {
    return [`reaches into ${target.name} by path`, `import it as '${target.packageName}'`];
  }
  return zoneFault(zone, target);
}

function builtinFault(zone: Zone, specifier: string): [string, string] | undefined {
  if (zone.runtime === false) {
    return [
      `${zone.name} imports '${specifier}', but runs in browsers too`,
      'take what it gives as a parameter',
    ];
  }
  if (specifier.startsWith('node:')) return undefined;
  return [`imports '${specifier}' without its scheme`, `write 'node:${specifier}'`];
}

function zoneFault(zone: Zone, target: Zone): [string, string] | undefined {
  if (target === zone || zone.imports.includes(target.name)) return undefined;
  return [`${zone.name} imports ${target.name}`, replacementFor(zone, target)];
}

function replacementFor(zone: Zone, target: Zone): string {
  if (STAGES.has(zone.name) && STAGES.has(target.name)) {
    return 'let the stages meet as values in daemon/src/pipeline.ts';
  }
  if (target.name === 'backends') return 'use the interface in daemon/src/hardware';
  if (STAGES.has(target.name)) return 'talk to a socket of the daemon, never to a stage';
  const allowed = zone.imports === 'all' ? [] : zone.imports;
  return `${zone.name} may import: ${allowed.join(', ') || 'nothing'}`;
}

function packageNameOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
