# src/backend/cpu/*_isa.c: one source, compiled once for each instruction set;
# TRV_ISA_NAME is the suffix of its symbols.
file(GLOB ISA_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/backend/cpu/*_isa.c)
set(ISA_FLAGS_avx2 -mavx2 -mfma -mf16c)
set(ISA_FLAGS_avx512 -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512vl
  -mavx512dq -mprefer-vector-width=512)
set(ISA_FLAGS_base)
if(ISA_SOURCES)
  foreach(isa base avx2 avx512)
    add_library(trv_isa_${isa} OBJECT ${ISA_SOURCES})
    target_link_libraries(trv_isa_${isa} PRIVATE trv_flags)
    target_compile_definitions(trv_isa_${isa} PRIVATE TRV_ISA_NAME=${isa})
    target_compile_options(trv_isa_${isa} PRIVATE -fPIC -O3
      -fassociative-math -fno-signed-zeros -ffp-contract=fast
      ${ISA_FLAGS_${isa}})
    target_sources(trv_objects INTERFACE $<TARGET_OBJECTS:trv_isa_${isa}>)
    list(APPEND ISA_OBJECTS $<TARGET_OBJECTS:trv_isa_${isa}>)
    list(APPEND ISA_TARGETS trv_isa_${isa})
  endforeach()
endif()
