"""What kinds of events a profile has whose energy can be asked for."""

KERNELS = ("kernel", "gpu_memcpy", "gpu_memset")
OPERATORS = ("cpu_op",)
GPU_RANGES = ("gpu_user_annotation",)
RANGES = ("user_annotation", "nvtx")
CALLS = ("call",)
KINDS = (*KERNELS, *OPERATORS, *GPU_RANGES, *RANGES, *CALLS)
ON_GPU = (*KERNELS, *GPU_RANGES)
