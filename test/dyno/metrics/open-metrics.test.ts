import test from 'ava';
import type { ContainerStats } from '../../../src/cgroup/stats.js';
import { openMetrics } from '../../../src/dyno/metrics/open-metrics.js';

const line = { avg10: 0, avg60: 0, avg300: 0, totalUs: 2_500_000 };
const stats: ContainerStats = {
  cpu: { usageUs: 3_500_000, userUs: 3_000_000, systemUs: 500_000, throttling: { periods: 1, throttledPeriods: 1, throttledUs: 250_000, bursts: 0, burstUs: 0 } },
  memory: { currentBytes: 300, maxBytes: 1024, swapBytes: 5, events: { low: 0, high: 0, max: 0, oom: 2, oomKill: 1, oomGroupKill: 0 }, stat: { anon: 100, file: 200 } },
  pids: { current: 3, max: 256, refusedForks: 7 },
  pressure: { memory: { some: line, full: { ...line, totalUs: 1 } } },
};

test('all that is known of dynos, a family after the other', (t) => {
  const text = openMetrics('my-app', [
    { name: 'web.1', type: 'web', state: 'up', crashes: 0, stats, sample: { load1: 0.5, load5: 0.25, load15: 0 }, quotaBytes: 512 },
    { name: 'worker.1', type: 'worker', state: 'crashed', crashes: 2 },
  ]);
  const web = 'app="my-app",type="web",dyno="web.1"';
  t.is(text, `# TYPE tsrun_dyno_up gauge
# HELP tsrun_dyno_up 1 for a dyno that is up.
tsrun_dyno_up{${web}} 1
tsrun_dyno_up{app="my-app",type="worker",dyno="worker.1"} 0
# TYPE tsrun_dyno_crashes gauge
# HELP tsrun_dyno_crashes Crashes in a row, as its restart policy counts.
tsrun_dyno_crashes{${web}} 0
tsrun_dyno_crashes{app="my-app",type="worker",dyno="worker.1"} 2
# TYPE tsrun_dyno_load gauge
# HELP tsrun_dyno_load Tasks that could run, on average over so many minutes.
tsrun_dyno_load{${web},minutes="1"} 0.5
tsrun_dyno_load{${web},minutes="5"} 0.25
tsrun_dyno_load{${web},minutes="15"} 0
# TYPE tsrun_dyno_cpu_seconds counter
# UNIT tsrun_dyno_cpu_seconds seconds
# HELP tsrun_dyno_cpu_seconds Processor time since its start.
tsrun_dyno_cpu_seconds_total{${web},mode="user"} 3
tsrun_dyno_cpu_seconds_total{${web},mode="system"} 0.5
# TYPE tsrun_dyno_throttled_seconds counter
# UNIT tsrun_dyno_throttled_seconds seconds
# HELP tsrun_dyno_throttled_seconds Time that its processor limit held it back.
tsrun_dyno_throttled_seconds_total{${web}} 0.25
# TYPE tsrun_dyno_memory_bytes gauge
# UNIT tsrun_dyno_memory_bytes bytes
# HELP tsrun_dyno_memory_bytes Memory by kind.
tsrun_dyno_memory_bytes{${web},kind="rss"} 100
tsrun_dyno_memory_bytes{${web},kind="cache"} 200
tsrun_dyno_memory_bytes{${web},kind="swap"} 5
# TYPE tsrun_dyno_memory_quota_bytes gauge
# UNIT tsrun_dyno_memory_quota_bytes bytes
# HELP tsrun_dyno_memory_quota_bytes The quota of its size: more is R14.
tsrun_dyno_memory_quota_bytes{${web}} 512
# TYPE tsrun_dyno_memory_limit_bytes gauge
# UNIT tsrun_dyno_memory_limit_bytes bytes
# HELP tsrun_dyno_memory_limit_bytes What the kernel gives at most.
tsrun_dyno_memory_limit_bytes{${web}} 1024
# TYPE tsrun_dyno_oom_kills counter
# HELP tsrun_dyno_oom_kills Processes killed for want of memory.
tsrun_dyno_oom_kills_total{${web}} 1
# TYPE tsrun_dyno_tasks gauge
# HELP tsrun_dyno_tasks Processes and threads.
tsrun_dyno_tasks{${web}} 3
# TYPE tsrun_dyno_tasks_limit gauge
# HELP tsrun_dyno_tasks_limit The most of them.
tsrun_dyno_tasks_limit{${web}} 256
# TYPE tsrun_dyno_refused_forks counter
# HELP tsrun_dyno_refused_forks Forks that failed at that limit.
tsrun_dyno_refused_forks_total{${web}} 7
# TYPE tsrun_dyno_pressure_seconds counter
# UNIT tsrun_dyno_pressure_seconds seconds
# HELP tsrun_dyno_pressure_seconds Time that some or all of its tasks waited for a resource.
tsrun_dyno_pressure_seconds_total{${web},resource="memory",waiting="some"} 2.5
tsrun_dyno_pressure_seconds_total{${web},resource="memory",waiting="all"} 0.000001
# EOF
`);
});

test('without dynos there is the end alone', (t) => {
  t.is(openMetrics('my-app', []), '# EOF\n');
});
