"""Several nodes with a clock each, and the processes of a job on them.

- their sum, and windows of all: job, nodes, joint_windows
- a part of them: job_part, rank_part
- their clocks: node_clocks, clock_doubts
"""
