#!/bin/bash
#SBATCH --job-name=train
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --time=01:00:00
# The energy of a job on two nodes with four ranks each: sbatch train.sh
set -euo pipefail

# One `uj run` a rank. Those of a node agree on one recorder, and each node has one trace.
srun uj run -o 'traces/{job}/{node}.arrows' -- python train.py

# The job's energy: its nodes added up, each joule once.
uj report --total "traces/$SLURM_JOB_ID"/*.arrows
