/**
 * Connects everything: the only file that picks backends and wires stages. A start goes from what
 * is durable to what is reachable: devices and ledger, entries of this run, anchors, doors last. A
 * stop goes the other way.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

import { peerCredentials, probeWriterLevel, readClock } from '@kudurru/native';
import { encodeHex, formatAgentId, TILE_WIDTH, WRITER_LEVELS } from '@kudurru/proof';

import { reasonOf } from './base/errors.ts';
import type { Log } from './base/log.ts';
import { prepareAnchoring, type Anchoring } from './compose/anchoring.ts';
import { BootRecorder } from './compose/boot-record.ts';
import { controlFace } from './compose/control-face.ts';
import { Devices } from './compose/devices.ts';
import { Enroller } from './compose/enroller.ts';
import { openFounded, type FoundedLedger } from './compose/founding.ts';
import { openPublishedLog } from './compose/published-log.ts';
import { GrowthWatch, growthEveryMs } from './compose/growth-watch.ts';
import { Identity } from './compose/identity.ts';
import { writeLedgerFile } from './compose/ledger-file.ts';
import { tellSystemd } from './compose/systemd-notice.ts';
import { prepareProcess } from './compose/own-process.ts';
import { Periodic } from './compose/periodic.ts';
import type { ResourceViewOptions } from './compose/resource-view.ts';
import { ResourceWatch, watchEveryMs } from './compose/resource-watch.ts';
import { RunEntries } from './compose/run-entries.ts';
import { Timekeeping } from './compose/timekeeping.ts';
import { reportTpm } from './compose/tpm-requests.ts';
import { checkFileLimit } from './config/file-limit.ts';
import type { Configuration } from './config/load.ts';
import { checkSocketPath, prepareStateFolder } from './config/state-folder.ts';
import { controlRoutes } from './control/routes.ts';
import { startControlServer, type ControlServer } from './control/server.ts';
import type { ControlFace, ProcessFactView } from './control/views.ts';
import { Evidence } from './evidence/evidence.ts';
import { Nonces } from './identity/nonces.ts';
import { AgentDoor } from './intake/agent-door.ts';
import { Ledger } from './ledger/ledger.ts';
import type { LogDoor } from './log-door/log-server.ts';
import { runPipeline } from './pipeline.ts';
import { Clock } from './time/clock.ts';

export interface Daemon {
  /** Begins an orderly stop; `ended` tells when it is done. */
  stop(reason: string): void;
  /** Resolves after an orderly stop; rejects when going on could have lost something. */
  readonly ended: Promise<void>;
}

export const softwareVersion = readVersion();

/** Refusals are summarised, the clock and idle sessions looked at this often. */
const housekeepingEveryMs = 60_000;

/** @throws KudurruError with the reason why the start was refused */
export async function startDaemon(configuration: Configuration, log: Log): Promise<Daemon> {
  const { state, settings } = configuration;
  const { agentSocket, controlSocket, logSocket } = settings;
  for (const path of [agentSocket, controlSocket, logSocket]) checkSocketPath(path);
  checkFileLimit(settings.connectionsMax);
  prepareStateFolder(state);
  const devices = new Devices(configuration, log.part('devices'));
  try {
    const founded = await openFounded({ configuration, devices, log: log.part('ledger') });
    try {
      const running = new RunningDaemon({ configuration, devices, founded, log });
      await running.start();
      return running;
    } catch (error) {
      await founded.store.leave();
      throw error;
    }
  } catch (error) {
    await devices.close();
    throw error;
  }
}

interface Parts {
  readonly configuration: Configuration;
  readonly devices: Devices;
  readonly founded: FoundedLedger;
  readonly log: Log;
}

/** What the outside can reach, and what goes on behind it. */
interface Doors {
  readonly anchoring: Anchoring;
  readonly intake: AgentDoor;
  readonly control: ControlServer;
  readonly logDoor: LogDoor;
  readonly pipeline: Promise<void>;
  readonly housekeeping: readonly Periodic[];
}

const nowMs = (): number => performance.now();

class RunningDaemon implements Daemon {
  readonly ended: Promise<void>;
  readonly #parts: Parts;
  readonly #ending = Promise.withResolvers<void>();
  readonly #clock = new Clock({ read: readClock });
  readonly #ledger: Ledger;
  readonly #entries: RunEntries;
  readonly #boots: BootRecorder;
  readonly #identity: Identity;
  readonly #evidence: Evidence;
  readonly #time: Timekeeping;
  readonly #process: readonly ProcessFactView[];
  readonly #startedMs = nowMs();
  #doors: Doors | null = null;
  #stopping = false;

  constructor(parts: Parts) {
    const { configuration, devices, founded, log } = parts;
    const { state, settings } = configuration;
    this.#parts = parts;
    this.#process = prepareProcess(log.part('process'));
    this.ended = this.#ending.promise;
    const clock = this.#clock;
    clock.continueFrom(founded.store.lastTime().taiNs, settings.clockBehindMaxMs);
    const ledger = new Ledger({
      store: founded.store,
      clock,
      token: devices.token,
      deviceTimeoutMs: settings.deviceTimeoutMs,
      fail: (error) => this.#fail(error),
      log: log.part('ledger'),
    });
    this.#ledger = ledger;
    const writerLevel = WRITER_LEVELS[probeWriterLevel() - 1] ?? 'credentials';
    const version = softwareVersion;
    this.#entries = new RunEntries({ founded, ledger, clock, log });
    const recorded = { founded, ledger, devices, settings, version, writerLevel };
    this.#boots = new BootRecorder({ ...recorded, log: log.part('boot') });
    this.#identity = new Identity({ ...founded, ...settings, ledger, nowMs });
    const { agents } = this.#identity;
    this.#time = new Timekeeping({ ...parts, ledger, agents, clock, log: log.part('time') });
    this.#evidence = new Evidence({
      state,
      ledgerId: founded.ledgerId,
      ledger,
      size: () => ledger.head().size,
      publish: (size) => ledger.publish(size),
      remake: (index) => ledger.remakeTile({ level: 'entries', index, width: TILE_WIDTH }),
      agentIdOf: (name) => formatAgentId(founded.trustDomain, name),
      agentIndexOf: (agentId) => this.#identity.agents.indexOf(agentId),
      nowMs,
      log: log.part('index'),
    });
  }

  async start(): Promise<void> {
    const { founded } = this.#parts;
    await this.#ledger.requireScopes(['system']);
    const anchoring = await this.#prepareAnchoring();
    try {
      const boot = await this.#boots.make();
      anchoring.checkBoot(boot);
      await this.#entries.begin(boot.entry);
      anchoring.noteBoot(boot);
      await this.#identity.restore();
      await this.#time.begin();
      await anchoring.anchorer.start(anchoring.unfinished);
      this.#raiseStartAlarms();
      this.#doors = await this.#openDoors(anchoring);
    } catch (error) {
      await this.#giveUpStart(error);
      throw error;
    }
    writeLedgerFile(this.#parts.configuration.state, founded);
    this.#sayReady(this.#doors);
    void reportTpm({
      tpm: this.#parts.devices.attestation,
      pin: this.#parts.devices.pin,
      log: this.#parts.log.part('devices'),
      isStopping: () => this.#stopping,
    });
  }

  stop(reason: string): void {
    if (this.#stopping || this.#doors === null) return;
    this.#stopping = true;
    tellSystemd('STOPPING=1');
    this.#stopInOrder(this.#doors, reason).then(this.#ending.resolve, this.#ending.reject);
  }

  #prepareAnchoring(): Promise<Anchoring> {
    return prepareAnchoring({
      ...this.#parts,
      ledger: this.#ledger,
      boots: this.#boots,
      clock: this.#clock,
      time: this.#time,
      followTiles: (size) => this.#evidence.follow(size),
      pushReceipts: (receipts) => {
        for (const { awaiting, receipt } of receipts) {
          this.#doors?.intake.pushAnchored(awaiting.connection, awaiting.firstSequence, receipt);
        }
      },
      raiseAlarm: (code, message) => this.#entries.raiseAlarm(code, message),
      fail: (error) => this.#fail(error),
      nowMs,
      log: this.#parts.log.part('anchor'),
    });
  }

  async #openDoors(anchoring: Anchoring): Promise<Doors> {
    const { configuration, founded, log } = this.#parts;
    const { settings } = configuration;
    const intake = new AgentDoor({
      ...settings,
      ledgerId: founded.ledgerId,
      origin: founded.origin,
      socketPath: settings.agentSocket,
      verifyThreads: availableParallelism(),
    });
    const sessions = this.#identity.connect(intake);
    await this.#identity.closeBroken();
    const { watch, growth } = await this.#watchResources(intake);
    const residentAtStartBytes = process.memoryUsage.rss();
    const logDoor = await openPublishedLog({
      configuration,
      founded,
      ledger: this.#ledger,
      checkpoints: anchoring.checkpoints,
      log: log.part('log'),
    });
    const control = await startControlServer({
      path: settings.controlSocket,
      routes: controlRoutes(
        this.#controlFace(anchoring, { intake, logDoor, watch, growth, residentAtStartBytes }),
      ),
      callerOf: peerCredentials,
      allowedUid: process.getuid?.() ?? 0,
      log: log.part('control'),
    });
    const pipeline = runPipeline({
      intake,
      ledger: this.#ledger,
      leapSteps: this.#clock.leapSteps(),
      sessions,
      noteActivity: this.#time.notedBy(anchoring.anchorer),
    });
    pipeline.catch((error: unknown) => this.#fail(error));
    const fail = (error: unknown): void => this.#fail(error);
    const idleEveryMs = Math.min(housekeepingEveryMs, settings.sessionIdleMs);
    const housekeeping = [
      new Periodic(housekeepingEveryMs, () => this.#keepHouse(intake), fail),
      new Periodic(watchEveryMs, () => watch.look(), fail),
      this.#time.looks(() => intake.stats().refusals, fail),
      new Periodic(growthEveryMs, () => growth.look(), fail),
      new Periodic(idleEveryMs, () => this.#identity.closeIdle(), fail),
    ];
    return { anchoring, intake, control, logDoor, pipeline, housekeeping };
  }

  async #watchResources(
    intake: AgentDoor,
  ): Promise<{ readonly watch: ResourceWatch; readonly growth: GrowthWatch }> {
    const { configuration } = this.#parts;
    const watch = new ResourceWatch({
      stateFolder: configuration.state,
      settings: configuration.settings,
      intake,
      raiseAlarm: (code, message) => this.#entries.raiseAlarm(code, message),
      nowMs,
    });
    await watch.look();
    const growth = new GrowthWatch({
      stateFolder: configuration.state,
      size: () => this.#ledger.head().size,
      nowMs,
      log: this.#parts.log.part('growth'),
    });
    await growth.look();
    return { watch, growth };
  }

  #controlFace(anchoring: Anchoring, shown: Omit<ResourceViewOptions, 'settings'>): ControlFace {
    const { configuration, founded } = this.#parts;
    const { agents, sessions } = this.#identity;
    const { anchorer } = anchoring;
    const ledger = this.#ledger;
    const enroller = new Enroller({
      ledgerId: founded.ledgerId,
      agents,
      nonces: new Nonces(nowMs),
      ledger,
      requireTimeLevel: (agent) => this.#time.requirements.apply(agent),
      noteActivity: () => anchorer.noteActivity([]),
    });
    return controlFace({
      ...anchoring,
      boots: this.#boots,
      founded,
      version: softwareVersion,
      profile: configuration.settings.profile,
      settings: configuration.settings,
      ledger,
      agents,
      sessions,
      enroller,
      ...shown,
      evidence: this.#evidence,
      tpm: this.#parts.devices.attestation,
      pin: this.#parts.devices.pin,
      time: this.#time,
      process: this.#process,
      isStopping: () => this.#stopping,
      uptimeMs: () => nowMs() - this.#startedMs,
    });
  }

  async #keepHouse(intake: AgentDoor): Promise<void> {
    this.#clock.now();
    const steppedBackNs = this.#clock.takeStepBack();
    if (steppedBackNs !== null) {
      const message = `the system clock was set back by ${steppedBackNs} ns: time stands still`;
      this.#entries.raiseAlarm('clock-behind', message);
    }
    await this.#entries.summariseRefusals(intake.stats().refusals);
    const { founded, log } = this.#parts;
    for (const note of await founded.store.takeNotes()) log.warning(note);
  }

  #raiseStartAlarms(): void {
    const { source, expired } = this.#clock.leapList();
    if (!expired) return;
    const message = `the leap-second list has expired: ${source}; TAI may be wrong by a second`;
    this.#entries.raiseAlarm('leap-list-expired', message);
  }

  #sayReady({ intake, logDoor }: Doors): void {
    const { configuration, founded, log } = this.#parts;
    const { document } = founded;
    log.info('ready', {
      agentSocket: configuration.settings.agentSocket,
      controlSocket: configuration.settings.controlSocket,
      logDoor: logDoor.addresses.join(' '),
      ledgerId: encodeHex(founded.ledgerId),
      origin: founded.origin,
      size: this.#ledger.head().size,
      writerLevel: WRITER_LEVELS[intake.writerLevel - 1] ?? 'credentials',
      attestationLabel: document.label,
      deviceLabel: document.tokenLabel,
      processId: process.pid,
    });
    tellSystemd('READY=1');
  }

  async #stopInOrder(doors: Doors, reason: string): Promise<void> {
    const { devices, founded, log } = this.#parts;
    const { intake, control, logDoor, pipeline, housekeeping, anchoring } = doors;
    await intake.stop();
    await pipeline;
    for (const each of housekeeping) await each.stop();
    const controlStopped = control.stop();
    try {
      await anchoring.anchorer.stop();
    } catch (error) {
      // What is not anchored now is anchored at the next start.
      log.error('last anchor not made', error);
    }
    await this.#time.stop();
    await controlStopped;
    await logDoor.stop();
    await this.#entries.summariseRefusals(intake.stats().refusals);
    await this.#entries.stop(reason, this.#identity.sessions.size);
    await this.#evidence.stop();
    await founded.store.stop();
    await devices.close();
  }

  /** The start was refused after its first entries: they end in order too. */
  async #giveUpStart(cause: unknown): Promise<void> {
    const { founded, log } = this.#parts;
    await this.#time.stop();
    try {
      await this.#entries.stop(`start failed: ${reasonOf(cause)}`, this.#identity.sessions.size);
      await founded.store.stop();
    } catch (error) {
      log.error('ledger not ended in order', error);
    }
  }

  #fail(error: unknown): void {
    this.#ending.reject(error);
  }
}

function readVersion(): string {
  const file = new URL('../package.json', import.meta.url);
  const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  return `${String(name)} ${String(version)}`;
}
