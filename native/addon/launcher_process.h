// Starting the launcher and talking to it: descriptors in, descriptors out. Nothing here blocks but the start itself.
#ifndef TSRUN_ADDON_LAUNCHER_PROCESS_H_
#define TSRUN_ADDON_LAUNCHER_PROCESS_H_

#include <napi.h>

namespace tsrun {

void InitLauncherProcess(Napi::Env env, Napi::Object exports);

}  // namespace tsrun

#endif  // TSRUN_ADDON_LAUNCHER_PROCESS_H_
