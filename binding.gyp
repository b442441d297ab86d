{
  "variables": {
    "quickjs": "<!(node scripts/quickjs.mjs)",
    "warnings": ["-Wall", "-Wextra", "-Wconversion", "-Werror"]
  },
  "target_defaults": {
    "include_dirs": ["native"],
    "cflags_cc!": ["-std=gnu++17"],
    "cflags_cc": ["-std=c++20", "<@(warnings)", "-fstack-clash-protection"],
    "conditions": [
      ["target_arch=='x64'", { "cflags_cc": ["-fcf-protection"] }],
      ["target_arch=='arm64'", { "cflags_cc": ["-mbranch-protection=standard"] }]
    ]
  },
  "targets": [
    {
      "target_name": "tsrun",
      "sources": ["<!@(grep -E '^native/(addon|engine)/' native/sources.txt)"],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=9", "NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED"],
      "cflags_cc": ["-fno-exceptions", "-fvisibility=hidden", "-fstack-protector-strong", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=3", "-D_GLIBCXX_ASSERTIONS", "-isystem", "<!(node -p \"require('node-addon-api').include_dir\")"],
      "libraries": ["-l:libseccomp.a"],
      "ldflags": ["-Wl,-z,relro,-z,now", "-Wl,-z,separate-code", "-Wl,-z,noexecstack", "-Wl,-z,nodelete", "-Wl,--exclude-libs,ALL"]
    },
    {
      "target_name": "tsrun-launcher",
      "type": "executable",
      "sources": ["<!@(grep -E '^native/(launcher|plan|steps|sys)/' native/sources.txt)"],
      "cflags_cc": ["-fno-exceptions", "-fno-rtti", "-fPIE", "-fstack-protector-strong", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=3"],
      "ldflags": ["-static-pie", "-Wl,-z,relro,-z,now", "-Wl,-z,separate-code", "-Wl,-z,noexecstack"],
      "ldflags!": ["-rdynamic"]
    },
    {
      "target_name": "tsrun-archive",
      "type": "executable",
      "sources": ["<!@(grep '^native/archive/' native/sources.txt)"],
      "cflags_cc": ["-fno-exceptions", "-fno-rtti", "-fPIE", "-ffunction-sections", "-fdata-sections", "-fstack-protector-strong", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=3"],
      "libraries": ["-l:libarchive.a", "-l:libcrypto.a", "-l:libz.a", "-l:libzstd.a", "-l:liblzma.a", "-l:libbz2.a"],
      "ldflags": ["-static-pie", "-Wl,--gc-sections", "-Wl,-z,relro,-z,now", "-Wl,-z,separate-code", "-Wl,-z,noexecstack"],
      "ldflags!": ["-rdynamic"]
    },
    {
      "target_name": "tsrun-reaper",
      "type": "executable",
      "sources": ["<!@(grep '^native/init/' native/sources.txt)"],
      "cflags_cc": ["-Os", "-ffreestanding", "-fno-exceptions", "-fno-rtti", "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-fPIE"],
      "ldflags": ["-static-pie", "-nostdlib", "-Wl,-z,relro,-z,now", "-Wl,-z,noexecstack", "-Wl,--build-id=none"],
      "ldflags!": ["-rdynamic"]
    },
    {
      "target_name": "tsrun-oci-compiler",
      "type": "executable",
      "sources": ["native/oci-build/compile_script.cc"],
      "cflags_cc": ["-isystem", "<(quickjs)/include"],
      "libraries": ["<(quickjs)/libquickjs.a", "-lm"]
    },
    {
      "target_name": "tsrun-oci",
      "type": "executable",
      "dependencies": ["tsrun-oci-compiler", "tsrun-launcher", "tsrun-reaper"],
      "sources": ["<!@(grep -E '^native/(oci|engine)/' native/sources.txt)"],
      "actions": [
        {
          "action_name": "compile_script",
          "inputs": ["dist/bundle/oci/modules.txt", "<(PRODUCT_DIR)/tsrun-oci-compiler"],
          "outputs": ["<(INTERMEDIATE_DIR)/script_code.cc"],
          "action": ["<(PRODUCT_DIR)/tsrun-oci-compiler", "<(INTERMEDIATE_DIR)/script_code.cc", "dist/bundle/oci/modules.txt"],
          "process_outputs_as_sources": 1
        }
      ],
      "cflags_cc": ["-fno-exceptions", "-fPIE", "-fstack-protector-strong", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=3", "-isystem", "<(quickjs)/include"],
      "libraries": ["<(quickjs)/libquickjs.a", "-l:libseccomp.a", "-lm"],
      "ldflags": ["-static-pie", "-Wl,--gc-sections", "-Wl,-z,relro,-z,now", "-Wl,-z,separate-code", "-Wl,-z,noexecstack"],
      "ldflags!": ["-rdynamic"]
    }
  ]
}
