{
  "variables": {
    "warnings": ["-Wall", "-Wextra", "-Wconversion", "-Werror"]
  },
  "target_defaults": {
    "include_dirs": ["native"],
    "cflags_cc!": ["-std=gnu++17"],
    "cflags_cc": ["-std=c++20", "<@(warnings)"],
    "conditions": [["target_arch=='x64'", { "cflags_cc": ["-fcf-protection"] }]]
  },
  "targets": [
    {
      "target_name": "tsrun",
      "sources": ["<!@(grep '^native/addon/' native/sources.txt)"],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=9", "NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED"],
      "cflags_cc": ["-fno-exceptions", "-fvisibility=hidden", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2", "-isystem", "<!(node -p \"require('node-addon-api').include_dir\")"],
      "libraries": ["-l:libseccomp.a"],
      "ldflags": ["-Wl,-z,relro,-z,now", "-Wl,--exclude-libs,ALL"]
    },
    {
      "target_name": "tsrun-launcher",
      "type": "executable",
      "sources": ["<!@(grep -E '^native/(launcher|plan|steps|sys)/' native/sources.txt)"],
      "cflags_cc": ["-fno-exceptions", "-fno-rtti", "-fPIE", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2"],
      "ldflags": ["-static-pie", "-Wl,-z,relro,-z,now", "-Wl,-z,noexecstack"],
      "ldflags!": ["-rdynamic"]
    },
    {
      "target_name": "tsrun-reaper",
      "type": "executable",
      "sources": ["<!@(grep '^native/init/' native/sources.txt)"],
      "cflags_cc": ["-Os", "-ffreestanding", "-fno-exceptions", "-fno-rtti", "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-fno-pie"],
      "ldflags": ["-static", "-nostdlib", "-no-pie", "-Wl,-z,noexecstack", "-Wl,--build-id=none"],
      "ldflags!": ["-rdynamic"]
    }
  ]
}
