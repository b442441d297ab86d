// The steps of the container's first process, from its birth to execve. It is a copy of the launcher: nothing here
// allocates, throws, or calls the C library beyond memory and string functions (a test reads the object files).
#ifndef TSRUN_STEPS_CHILD_STEPS_H_
#define TSRUN_STEPS_CHILD_STEPS_H_

#include "plan/slots.h"
#include "sys/step_clock.h"

namespace tsrun {

// Of a process that stays outside the container's pid namespace; what enters is told to the program that does it.
struct Entry {
  bool last = false;
  bool terminal = false;  // standard input is to be the controlling terminal
  uint32_t births_slot = 0;
  uint32_t report_slot = 0;
  uint32_t proc_slot = 0;
  const char* attribute = "";  // a file below the procfs: what a security module does at the program's execve
  const char* value = "";
};

struct ChildContext {
  Slots& slots;
  int channel;        // to the launcher: failures, the terminal, and the word to start
  int launcher;       // its pidfd
  int reaper;         // the sealed program of `--init`
  int proc;           // the launcher's procfs: what is mounted in a joined mount namespace could be anything (CVE-2025-52881)
  StepClock& clock;
  uint32_t step = 0;  // index of the step that runs
  int report = -1;      // where a later command, which has started the program, hears of failures
  int program_end = 0;  // past the descriptors of a program that came along; 0 without one
  UniqueFd root;
  Entry entry;
  const char* home = nullptr;  // a word of the program's environment, beside those of the plan
};

// child.cc: all steps after the clone, to the execve or to the report of what failed. `waits`: for the launcher's word that
// its /proc files are written.
[[noreturn]] void do_child_steps(const Plan& plan, Plan::Walk walk, bool waits, ChildContext context);

// root.cc
Status run(ChildContext& context, const StepAttachRoot& step);
Status run(ChildContext& context, const StepStowMount& step);
Status run(ChildContext& context, const StepEnterRoot& step);
Status run(ChildContext& context, const StepTakeRootAlong& step);
Status run(ChildContext& context, const StepChangeRoot& step);
Status run(ChildContext& context, const StepPivotRoot& step);
Status run(ChildContext& context, const StepMakeDirectory& step);
Status run(ChildContext& context, const StepWriteFile& step);
Status run(ChildContext& context, const StepSetDirectory& step);
// mounts.cc
Status run(ChildContext& context, const StepMakeMount& step);
Status run(ChildContext& context, const StepRenewMount& step);
Status run(ChildContext& context, const StepAttachMount& step);
Status run(ChildContext& context, const StepDetachMount& step);
Status run(ChildContext& context, const StepAttachNodes& step);
Status run(ChildContext& context, const StepPlaceLink& step);
Status run(ChildContext& context, const StepSetPropagation& step);
Status run(ChildContext& context, const StepRemount& step);
Status run(ChildContext& context, const StepMaskPath& step);
Status run(ChildContext& context, const StepReadonlyPath& step);
Status run(ChildContext& context, const StepKeepWritable& step);
Status run(ChildContext& context, const StepCoverFiles& step);
// namespaces.cc
Status run(ChildContext& context, const StepJoinNamespaces& step);
Status run(ChildContext& context, const StepWriteSysctl& step);
Status run(ChildContext& context, const StepSetHostname& step);
Status run(ChildContext& context, const StepSetDomainname& step);
Status run(ChildContext& context, const StepRaiseLoopback& step);
// entry.cc
Status run(ChildContext& context, const StepEnterLast& step);
Status become_entry(ChildContext& context, const StepExecute& step);
// identity.cc
Status run(ChildContext& context, const StepSetIds& step);
Status run(ChildContext& context, const StepSetAppArmor& step);
Status run(ChildContext& context, const StepSetLabel& step);
Status run(ChildContext& context, const StepDropBounding& step);
Status run(ChildContext& context, const StepKeepCapabilities& step);
Status run(ChildContext& context, const StepSetCapabilities& step);
Status run(ChildContext& context, const StepDieWithLauncher& step);
Status run(ChildContext& context, const StepNoNewPrivileges& step);
Status run(ChildContext& context, const StepRestrictScopes& step);
Status run(ChildContext& context, const StepLoadSeccomp& step);
// hooks.cc
Status run(ChildContext& context, const StepEnterHost& step);
Status run(ChildContext& context, const StepAwaitClient& step);
Status run(ChildContext& context, const StepRunHook& step);
// process.cc
Status run(ChildContext& context, const StepNewSession& step);
Status run(ChildContext& context, const StepJoinKeyring& step);
Status run(ChildContext& context, const StepSetRlimit& step);
Status run(ChildContext& context, const StepSetUmask& step);
Status run(ChildContext& context, const StepSetScheduler& step);
Status run(ChildContext& context, const StepSetIoPriority& step);
Status run(ChildContext& context, const StepSetAffinity& step);
Status run(ChildContext& context, const StepSetMemoryPolicy& step);
Status run(ChildContext& context, const StepSetPersonality& step);
// user_home.cc
Status run(ChildContext& context, const StepFindHome& step);
// terminal.cc
Status run(ChildContext& context, const StepOpenTerminal& step);
Status run(ChildContext& context, const StepSetStdio& step);
// execute.cc
Status run(ChildContext& context, const StepPlaceProgram& step);
Status run(ChildContext& context, const StepCloseDescriptors& step);
Status run(ChildContext& context, const StepResetSignals& step);
Status run(ChildContext& context, const StepAwaitStart& step);
Status run(ChildContext& context, const StepExecute& step);
Status run(ChildContext& context, const StepFinish& step);
// release.cc
Status run(ChildContext& context, const StepFindProgram& step);
Status run(ChildContext& context, const StepAwaitFifo& step);

}  // namespace tsrun

#endif  // TSRUN_STEPS_CHILD_STEPS_H_
