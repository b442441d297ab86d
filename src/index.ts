/** The public API: exports only. The command lines import nothing else, so they prove that it is enough. */

export { SetupError, TsrunError, nearest } from './spec/errors.js';
export type { ErrorCode, ErrorDetails, SetupErrorDetails } from './spec/errors.js';
export { capabilityNames, readCapability, type CapabilityName } from './spec/capabilities.js';
export type { Healthcheck, HistoryEntry, ImageConfig, Platform, RunConfig } from './image/documents.js';
export type * from './image/image-types.js';
export { isContainerId, parseId } from './spec/ids.js';
export { parseJsonBytes, type JsonObject, type JsonValue } from './spec/json.js';
export { readRlimit, rlimitNames, type RlimitName } from './spec/rlimits.js';
export { parseEgressRule, type AttachedNetwork, type EgressRule } from './spec/networks.js';
export { parseSignal, signalName } from './spec/signals.js';
export { parseSize } from './spec/size.js';
export type * from './spec/types.js';
export type { DockerSeccomp, DockerSeccompArchitecture, DockerSeccompFilter, DockerSeccompSyscall } from './spec/docker-seccomp.js';
export type * from './spec/extensions.js';
export type {
  DeviceOption,
  JoinedNamespace,
  MountOption,
  NamespaceChoice,
  RunOptions,
  Size,
  StdioChoice, LimitOptions,
} from './container/options/options.js';

export { Runtime } from './container/runtime.js';
export { recordedContainers, type RecordedContainers } from './container/recorded-containers.js';
export { storedImages, type StoredImages } from './container/stored-images.js';
export type { Mounts } from './container/mounts/mounts.js';
export type * from './container/mounts/mount-types.js';
export type { RuntimeOptions } from './container/runtime-options.js';
export type { ContainerSummary } from './container/state/summary.js';
export { Container, type ContainerState } from './container/container.js';
export { ContainerSurvey, type ContainerUse } from './container/survey.js';
export { ExecProcess } from './container/exec.js';
export type { ExecOptions } from './container/options/exec-options.js';
export type { ContainerEvent } from './container/events.js';
export type { ExitCause, ExitStatus, Usage } from './container/state/exit-status.js';
export type { Collected } from './container/state/garbage.js';
export { readLog, type LogPiece } from './container/log.js';
export { examineHost, type Examination } from './container/examine-host.js';
export type { ExamineOptions, ReadLogOptions, RunRequest } from './container/options/call-options.js';
export { explainExit, type ExitExplanation } from './container/explain-exit.js';
export { explain, type Explanation } from './container/explain.js';
export type * from './container/isolation/isolation-report.js';
export type { CapabilitySets, MountReading, ProcessIds, RlimitReading } from './host/proc-files.js';
export type { Copied, CopyOptions } from './container/copy/copy-options.js';
export type { ContainerRecord } from './container/state/record.js';
export type { SignalDelivery, StopOptions } from './container/delivery.js';
export type { StartTimings, TimedPart } from './container/start-timings.js';
export type { Terminal } from './container/streams.js';
export { makeRaw, resizeTerminal } from './container/terminal-call.js';
export type { ContainerStats } from './cgroup/stats.js';
export type { HostFacts } from './host/facts.js';
export { diagnose, type Finding } from './host/doctor.js';
export { gatherDoctorFacts, type FolderToCheck } from './host/doctor-facts.js';
export type { ExplainedStep } from './plan/explain.js';
export type { Plan, PlannedStep } from './plan/plan.js';
export { launcherOps, stepDocs, type Step } from './plan/wire.generated.js';

export { Formation } from './dyno/formation.js';
export type { AdoptOptions, DynoContainerOptions, FormationOptions, ProcessTypeOptions } from './dyno/formation-options.js';
export { serveFormation, type FormationServer } from './dyno/agent/server.js';
export { FormationClient, type ClientLogOptions } from './dyno/agent/client.js';
export type { RemoteOneOff } from './dyno/agent/remote-one-off.js';
export type { DynoEnd, DynoSummary } from './dyno/agent/protocol.js';
export { listFormations, type FormationSummary } from './dyno/agent/list.js';
export type { Dyno } from './dyno/dyno.js';
export { parseAppJson, type AppFormation, type AppJsonOptions, type AppManifest, type AppVariable } from './dyno/app/app-json.js';
export type { RedeployOptions } from './dyno/redeploy.js';
export { appOptions } from './dyno/app/app-options.js';
export { parseDotEnv, type DotEnvOptions } from './dyno/app/dotenv.js';
export type { HealthAction, HealthCheck, HealthChoice, HealthProbe, HealthPurpose } from './dyno/health/health-options.js';
export type { HealthChange, HealthReport } from './dyno/health/health.js';
export type { HealthStatus } from './dyno/health/monitor.js';
export type { OneOff } from './dyno/one-off/one-off.js';
export type { OneOffCommand, OneOffOptions } from './dyno/one-off/one-off-options.js';
export type { ReleaseOptions } from './dyno/one-off/release.js';
export type { Attachment } from './dyno/one-off/attachment.js';
export type { DynoState } from './dyno/life-record.js';
export type { PressureResource } from './spec/extensions.js';
export type { DynoEvent, DynoNews, LimitEvent, MissedEvents } from './dyno/events.js';
export type { BadBind } from './dyno/listeners.js';
export type { EventOptions } from './dyno/log/event-log.js';
export type { Death, DeathCause } from './dyno/death.js';
export type { Clock } from './dyno/clock.js';
export type { DynoProfile } from './dyno/profile.js';
export { restartPolicies, type Cycling, type RestartPolicy, type RestartPolicyName } from './dyno/restart-policy.js';
export type { DynoListener } from './dyno/serving/listener.js';
export type { IdleOptions, ListenOptions, PublishOptions, RestartOptions, ServingOptions } from './dyno/serving/options.js';
export { parsePublish } from './dyno/serving/publish.js';
export { parseQuantities } from './dyno/quantities.js';
export { dynoSizes, type DynoSize, type DynoSizeName } from './dyno/sizes/sizes.js';
export { parseSizes, type DynoSizes } from './dyno/sizes/parse-sizes.js';
export type { QuotaCode } from './dyno/sizes/quota.js';
export type { DynoSample, MemoryUse } from './dyno/metrics/sample.js';
export { parseMetricsAddress, serveMetrics, type MetricsAddress, type MetricsServer } from './dyno/metrics/serve-metrics.js';
export type { Load } from './dyno/metrics/load-average.js';
export { formatLogLine, logLineJson, type LogLine, type PartialLine } from './dyno/log/line.js';
export type { LineForm } from './dyno/log/framing.js';
export { dockerJson, logplexFrame } from './dyno/drains/frames.js';
export type { Drain } from './dyno/drains/drain.js';
export type { DrainChoice, DrainOptions } from './dyno/drains/drain-options.js';
export type { DrainState } from './dyno/drains/drain-state.js';
export type { LogSink } from './dyno/drains/function-sink.js';
export type { LogOptions } from './dyno/log/hub.js';
export { parseProcfile, type Procfile, type ProcfileDialect, type ProcfileOptions } from './image/procfile.js';
