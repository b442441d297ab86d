// The steps that the launcher itself does, before the clone. One function a step, one file a family.
#ifndef TSRUN_STEPS_LAUNCHER_STEPS_H_
#define TSRUN_STEPS_LAUNCHER_STEPS_H_

#include "launcher/container.h"
#include "launcher/device_programs.h"
#include "launcher/home.h"
#include "launcher/id_maps.h"
#include "launcher/parent_folders.h"
#include "plan/slots.h"

namespace tsrun {

// What steps share while one plan runs.
struct LauncherContext {
  Home& home;
  IdMaps& id_maps;
  ParentFolders& parents;
  DevicePrograms& device_programs;
  Loop& loop;
  Container& container;
  Slots slots;
  StepClone clone;  // as the plan has it; the clone comes after the last of these steps
  bool keep_mounts = false;
};

// state.cc
Status run(LauncherContext& context, const StepRecordState& step);
// cgroups.cc
Status run(LauncherContext& context, const StepMakeCgroup& step);
Status run(LauncherContext& context, const StepWriteCgroup& step);
Status run(LauncherContext& context, const StepLimitDevices& step);
Status run(LauncherContext& context, const StepWatchCgroup& step);
Status run(LauncherContext& context, const StepWatchPressure& step);
Status run(LauncherContext& context, const StepMakeCgroupFolder& step);
// sources.cc
Status run(LauncherContext& context, const StepOpenTree& step);
Status run(LauncherContext& context, const StepFindInTree& step);
Status run(LauncherContext& context, const StepSetMount& step);
Status run(LauncherContext& context, const StepJoinPeers& step);
Status run(LauncherContext& context, const StepMakeIdMap& step);
Status run(LauncherContext& context, const StepOpenNamespace& step);
Status run(LauncherContext& context, const StepOpenContainer& step);
Status run(LauncherContext& context, const StepOpenRoot& step);
Status run(LauncherContext& context, const StepOpenRootOf& step);
Status run(LauncherContext& context, const StepMountOnHost& step);
Status run(LauncherContext& context, const StepOpenProcess& step);
Status run(LauncherContext& context, const StepOpenCgroup& step);
Status run(LauncherContext& context, const StepOpenFifo& step);
// assembled.cc
Status run(LauncherContext& context, const StepMakeTmpfs& step);
Status run(LauncherContext& context, const StepMakeHostMount& step);
Status run(LauncherContext& context, const StepMakeNode& step);
Status run(LauncherContext& context, const StepMakeLink& step);
Status run(LauncherContext& context, const StepMakeFolder& step);
Status run(LauncherContext& context, const StepMakeOverlay& step);
Status run(LauncherContext& context, const StepKeepMount& step);
// uppers.cc
Status run(LauncherContext& context, const StepMakeUpper& step);
Status run(LauncherContext& context, const StepKeepUpper& step);
Status run(LauncherContext& context, const StepOpenUpper& step);
// stdio.cc
Status run(LauncherContext& context, const StepMakePipe& step);
Status run(LauncherContext& context, const StepOwnPipe& step);
Status run(LauncherContext& context, const StepHandOver& step);
Status run(LauncherContext& context, const StepKeepLog& step);
Status run(LauncherContext& context, const StepKeepInput& step);
// launcher/entry.cc
Status run(LauncherContext& context, const StepMakeEntry& step);
// launcher/launch.cc
Status run(LauncherContext& context, const StepMeasureSteps& step);
Status run(LauncherContext& context, const StepKeepMounts& step);
Status run(LauncherContext& context, const StepClone& step);

}  // namespace tsrun

#endif  // TSRUN_STEPS_LAUNCHER_STEPS_H_
