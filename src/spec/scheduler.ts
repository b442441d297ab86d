/** Scheduling of a program, in the kernel's words (linux/sched.h). */

/** Policies: the index is the number. */
export const schedulerPolicies = ['SCHED_OTHER', 'SCHED_FIFO', 'SCHED_RR', 'SCHED_BATCH', 'SCHED_ISO', 'SCHED_IDLE', 'SCHED_DEADLINE'] as const;

/** Flags: the index is the number of the bit. */
export const schedulerFlags = [
  'SCHED_FLAG_RESET_ON_FORK',
  'SCHED_FLAG_RECLAIM',
  'SCHED_FLAG_DL_OVERRUN',
  'SCHED_FLAG_KEEP_POLICY',
  'SCHED_FLAG_KEEP_PARAMS',
  'SCHED_FLAG_UTIL_CLAMP_MIN',
  'SCHED_FLAG_UTIL_CLAMP_MAX',
] as const;

/** A scheduling policy by its full name (sched(7)). */
export type SchedulerPolicy = (typeof schedulerPolicies)[number];

/** A flag of a scheduling policy by its full name (sched_setattr(2)). */
export type SchedulerFlag = (typeof schedulerFlags)[number];
