// SPDX-License-Identifier: Apache-2.0
#include "job/schema.hpp"

namespace ringtrain {

// The keywords used here are those that explain() in validate.cpp can put into words: type, enum,
// minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength, maxLength, pattern, minItems,
// maxItems, items, properties, required, additionalProperties, oneOf.
std::string_view job_schema() {
  // Two literals, because compilers need not take one longer than 64 KiB, and for the reader's
  // sake.
  static constexpr std::string_view text = R"json({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "ringtrain job",
  "description": "Everything that one training job needs. Relative paths count from the directory in which the job is started, not from this file. Any key can be set from outside with --set key.sub=value.",
  "type": "object",
  "additionalProperties": false,
  "required": ["model", "dataset"],
  "properties": {
    "name": {
      "description": "What the job is called in logs, results and Kubernetes: letters, digits, '.', '_' and '-', at most 63. Left out: the job file's own name without its ending.",
      "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$", "maxLength": 63
    },
    "model": {
      "description": "A model of the zoo (mlp, lenet5, lenet, resnet18, resnet34, resnet50), or the path of a TorchScript file: it holds a '/' or ends in .pt.",
      "type": "string", "minLength": 1, "maxLength": 4096
    },
    "hidden": {
      "description": "mlp alone: the widths of its hidden layers. Left out: [1024, 1024].",
      "type": "array", "maxItems": 64, "default": [],
      "items": {"type": "integer", "minimum": 1, "maximum": 1048576}
    },
    "dataset": {
      "description": "An HDF5 file made by 'ringtrain dataset import', or a directory of parts.",
      "type": "string", "minLength": 1, "maxLength": 4096
    },
    "epochs": {
      "description": "How many times every training sample is seen.",
      "type": "integer", "minimum": 1, "maximum": 1000000, "default": 1
    },
    "max_steps": {
      "description": "Ends training after this many steps, where that is earlier than epochs says.",
      "type": "integer", "minimum": 1, "maximum": 1000000000000
    },
    "batch_size": {
      "description": "Samples of one step over all ranks together: the training run is the same on 1 rank or 64.",
      "type": "integer", "minimum": 1, "maximum": 16777216, "default": 128
    },
    "accumulate": {
      "description": "Forward and backward passes of one step, each over batch_size / accumulate samples: for batches that do not fit the device.",
      "type": "integer", "minimum": 1, "maximum": 65536, "default": 1
    },
    "seed": {
      "description": "Fixes the first weights, the order of the samples and their augmentation.",
      "type": "integer", "minimum": 0, "maximum": 9007199254740991, "default": 1
    },
    "precision": {
      "description": "fp32, or bf16: forward and backward in bfloat16 where that is safe, parameters and sums in fp32.",
      "type": "string", "enum": ["fp32", "bf16"], "default": "fp32"
    },
    "device": {
      "description": "auto takes a GPU when the build and the node have one.",
      "type": "string", "enum": ["auto", "cpu", "cuda"], "default": "auto"
    },
    "cuda_graph": {
      "description": "On GPUs: forward and backward are recorded once as a CUDA graph and replayed, where the model allows it.",
      "type": "boolean", "default": true
    },
    "optimizer": {
      "description": "How gradients change parameters.",
      "type": "object", "additionalProperties": false,
      "properties": {
        "type": {
          "description": "sgd, adamw, or lars (layer-wise rates for large batches).",
          "type": "string", "enum": ["sgd", "adamw", "lars"], "default": "sgd"
        },
        "learning_rate": {
          "description": "The rate after warm-up.",
          "type": "number", "exclusiveMinimum": 0, "maximum": 1000, "default": 0.05
        },
        "momentum": {
          "description": "sgd and lars.",
          "type": "number", "minimum": 0, "exclusiveMaximum": 1, "default": 0.9
        },
        "nesterov": {
          "description": "sgd: look ahead by one momentum step.",
          "type": "boolean", "default": false
        },
        "weight_decay": {
          "description": "sgd and lars: added to the gradient; adamw: decoupled from it.",
          "type": "number", "minimum": 0, "maximum": 10, "default": 0
        },
        "beta1": {
          "description": "adamw: decay of the gradients' mean.",
          "type": "number", "minimum": 0, "exclusiveMaximum": 1, "default": 0.9
        },
        "beta2": {
          "description": "adamw: decay of the squared gradients' mean.",
          "type": "number", "minimum": 0, "exclusiveMaximum": 1, "default": 0.999
        },
        "epsilon": {
          "description": "adamw and lars: keeps the quotient finite.",
          "type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 1e-8
        },
        "trust": {
          "description": "lars: the trust coefficient (You et al. 2017, eta).",
          "type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 0.001
        }
      }
    },
    "schedule": {
      "description": "How the learning rate changes.",
      "type": "object", "additionalProperties": false,
      "properties": {
        "type": {
          "description": "constant, step (times gamma at each milestone), or cosine (down to final_factor at the end).",
          "type": "string", "enum": ["constant", "step", "cosine"], "default": "constant"
        },
        "warmup_epochs": {
          "description": "The rate rises linearly from 0 for so many epochs, parts of one included.",
          "type": "number", "minimum": 0, "maximum": 1000000, "default": 0
        },
        "milestones": {
          "description": "step: the epochs at which the rate is multiplied by gamma, ascending.",
          "type": "array", "maxItems": 1024, "default": [],
          "items": {"type": "number", "exclusiveMinimum": 0, "maximum": 1000000}
        },
        "gamma": {
          "description": "step: the factor at each milestone.",
          "type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 0.1
        },
        "final_factor": {
          "description": "cosine: the last rate as a share of the learning rate.",
          "type": "number", "minimum": 0, "maximum": 1, "default": 0
        }
      }
    },
    "augment": {
      "description": "Changes to training images that keep their label, the same for a sample on any number of ranks.",
      "type": "object", "additionalProperties": false,
      "properties": {
        "crop_padding": {
          "description": "Pixels of zero padding on each side before a random crop to the sample's size.",
          "type": "integer", "minimum": 0, "maximum": 64, "default": 0
        },
        "horizontal_flip": {
          "description": "Mirrors half of the images.",
          "type": "boolean", "default": false
        }
      }
    },
    "communication": {
      "description": "How gradients are averaged over the ranks.",
      "type": "object", "additionalProperties": false,
      "properties": {
        "backend": {
          "description": "auto takes nccl for GPUs, shared_memory inside a node and mpi between nodes. none lets every rank train alone, to measure what averaging costs.",
          "type": "string", "enum": ["auto", "shared_memory", "mpi", "nccl", "none"], "default": "auto"
        },
        "algorithm": {
          "description": "auto measures at the start and takes the quicker one.",
          "type": "string", "enum": ["auto", "direct", "ring"], "default": "auto"
        },
        "bucket_mib": {
          "description": "Gradients are averaged in pieces of about this size while backward goes on.",
          "type": "number", "exclusiveMinimum": 0, "maximum": 1024, "default": 4
        },
        "wire": {
          "description": "The type of gradients in transit; bf16 halves the bytes, sums are in fp32.",
          "type": "string", "enum": ["fp32", "bf16"], "default": "fp32"
        },
        "sync_every": {
          "description": "More than 1: ranks step on their own and average parameters every so many steps (local SGD).",
          "type": "integer", "minimum": 1, "maximum": 1000000, "default": 1
        },
        "shard_optimizer": {
          "description": "Each rank keeps only its share of the optimizer's state (ZeRO stage 1).",
          "type": "boolean", "default": false
        },
        "timeout_seconds": {
          "description": "A collective that takes longer ends the job.",
          "type": "number", "exclusiveMinimum": 0, "maximum": 86400, "default": 300
        }
      }
    },
    "checkpoint": {
      "description": "When the state is saved below output, and what a new start does with it. Beside these times: at the job's end, and on SIGUSR1, SIGUSR2 and SIGTERM.",
      "type": "object", "additionalProperties": false,
      "properties": {
        "every_epochs": {
          "description": "0: not by epochs.",
          "type": "integer", "minimum": 0, "maximum": 1000000, "default": 1
        },
        "every_steps": {
          "description": "0: not by steps.",
          "type": "integer", "minimum": 0, "maximum": 1000000000000, "default": 0
        },
        "every_seconds": {
          "description": "0: not by time.",
          "type": "number", "minimum": 0, "maximum": 31536000, "default": 0
        },
        "keep": {
          "description": "How many of the newest checkpoints stay, and beside them the one with the best test accuracy.",
          "type": "integer", "minimum": 1, "maximum": 1000000, "default": 2
        },
        "resume": {
          "description": "auto goes on from the newest good checkpoint below output, never starts anew, a path goes on from that checkpoint (or from the newest good one in that folder).",
          "type": "string", "minLength": 1, "maxLength": 4096, "default": "auto"
        }
      }
    },
    "rollback": {
      "description": "What to do when the training loss leaps up: the last checkpoint's parameters are taken back, and training goes on with the samples after.",
      "type": "object", "additionalProperties": false,
      "properties": {
        "factor": {
          "description": "A step whose loss is above this many times the median of the last steps is a spike. 0: never.",
          "type": "number", "minimum": 0, "maximum": 1e30, "default": 0
        },
        "window": {
          "description": "How many steps the median is taken over; none is a spike before there are as many.",
          "type": "integer", "minimum": 3, "maximum": 100000, "default": 50
        },
        "limit": {
          "description": "More rollbacks than this, without a window of good steps between them, end the job.",
          "type": "integer", "minimum": 1, "maximum": 1000000, "default": 3
        }
      }
    },
    "initialize_from": {
      "description": "A model.safetensors whose tensors are the first weights, as far as names and shapes fit: fine-tuning. A checkpoint to resume goes before it.",
      "type": "string", "minLength": 1, "maxLength": 4096
    },
    "label_smoothing": {
      "description": "The share of a label's weight that is spread over all classes.",
      "type": "number", "minimum": 0, "exclusiveMaximum": 1, "default": 0
    },
    "clip_norm": {
      "description": "Gradients whose global norm is above this are scaled down to it. 0: never.",
      "type": "number", "minimum": 0, "maximum": 1e30, "default": 0
    },
    "max_skipped_steps": {
      "description": "A step whose gradients are not finite is skipped on every rank; more of them in a row than this end the job.",
      "type": "integer", "minimum": 0, "maximum": 1000000, "default": 10
    },
    "evaluate_every_epochs": {
      "description": "How often the whole test part is evaluated. 0: only at the end.",
      "type": "integer", "minimum": 0, "maximum": 1000000, "default": 1
    },
    "output": {
      "description": "The directory of the model, result.json, history.jsonl and checkpoints; made when missing. Left out: runs/ and the name.",
      "type": "string", "minLength": 1, "maxLength": 4096
    },
    "workers": {
      "description": "How far an elastic run may shrink and grow. 0: as started.",
      "type": "object", "additionalProperties": false,
      "properties": {
        "min": {"description": "The fewest ranks to go on with.",
                "type": "integer", "minimum": 0, "maximum": 65536, "default": 0},
        "max": {"description": "The most ranks to use.",
                "type": "integer", "minimum": 0, "maximum": 65536, "default": 0}
      }
    },
    "restarts": {
      "description": "How often a failed run is started again without progress in between.",
      "type": "integer", "minimum": 0, "maximum": 1000000, "default": 3
    },
    "trace": {
      "description": "Writes trace.json (Chrome and Perfetto) below output.",
      "type": "boolean", "default": false
    },)json"
                                           R"json(
    "kubernetes": {
      "description": "Read by 'ringtrain render' and 'ringtrain submit' alone.",
      "type": "object", "additionalProperties": false,
      "properties": {
        "namespace": {
          "description": "Where the MPIJob is made. Left out: the namespace of kubectl or of the current context.",
          "type": "string", "pattern": "^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$", "maxLength": 63, "default": ""
        },
        "image": {
          "description": "The container image, with ringtrain in it.",
          "type": "string", "minLength": 1, "maxLength": 1024, "default": "ringtrain:latest"
        },
        "image_pull_policy": {
          "description": "When a node pulls the image. auto leaves it to Kubernetes: Always for the tag latest, else IfNotPresent.",
          "type": "string", "enum": ["auto", "Always", "IfNotPresent", "Never"], "default": "auto"
        },
        "image_pull_secrets": {
          "description": "Names of Secrets with the registry's credentials.",
          "type": "array", "maxItems": 16, "default": [],
          "items": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", "maxLength": 253}
        },
        "workers": {
          "description": "Worker pods.",
          "type": "integer", "minimum": 1, "maximum": 65536, "default": 1
        },
        "gpus_per_worker": {
          "description": "GPUs of a worker pod, one rank each. 0: CPU.",
          "type": "integer", "minimum": 0, "maximum": 64, "default": 0
        },
        "gpu_resource": {
          "description": "What the cluster calls a GPU, or a slice of one.",
          "type": "string", "pattern": "^[a-z0-9][-a-z0-9.]*/[A-Za-z0-9][-A-Za-z0-9_.]*$", "maxLength": 316, "default": "nvidia.com/gpu"
        },
        "slots_per_worker": {
          "description": "Ranks of a worker pod. 0: one for each GPU, or one where there is none.",
          "type": "integer", "minimum": 0, "maximum": 1024, "default": 0
        },
        "cpus": {
          "description": "Cores of a worker pod, as request and limit. 0: as the namespace says.",
          "type": "number", "minimum": 0, "maximum": 65536, "default": 0
        },
        "memory": {
          "description": "Memory of a worker pod, as request and limit: 64Gi. Left out: as the namespace says.",
          "type": "string", "pattern": "^([0-9]+([.][0-9]+)?(k|M|G|T|Ki|Mi|Gi|Ti)?)?$", "maxLength": 32, "default": ""
        },
        "shared_memory": {
          "description": "Size of /dev/shm in a worker pod, for the messages of Open MPI between its ranks; counts as its memory. A container's own is 64 MiB.",
          "type": "string", "pattern": "^[0-9]+([.][0-9]+)?(k|M|G|T|Ki|Mi|Gi|Ti)?$", "maxLength": 32, "default": "1Gi"
        },
        "rdma_resource": {
          "description": "What the cluster calls an RDMA device, as rdma/ib: a worker pod gets one. Left out: none.",
          "type": "string", "pattern": "^([a-z0-9][-a-z0-9.]*/[A-Za-z0-9][-A-Za-z0-9_.]*)?$", "maxLength": 316, "default": ""
        },
        "ipc_lock": {
          "description": "Adds the capability IPC_LOCK, so that RDMA can pin memory; the node must also allow it to users (memlock).",
          "type": "boolean", "default": false
        },
        "node_selector": {
          "description": "Labels that a worker's node must have.",
          "type": "object", "default": {},
          "additionalProperties": {"description": "The label's value.", "type": "string", "maxLength": 63}
        },
        "tolerations": {
          "description": "Taints of a node that do not keep the workers away.",
          "type": "array", "maxItems": 64, "default": [],
          "items": {
            "description": "One toleration.",
            "type": "object", "additionalProperties": false,
            "properties": {
              "key": {"description": "The taint's key. Left out: every one.", "type": "string", "maxLength": 317},
              "operator": {"description": "Equal compares the value, Exists takes any.", "type": "string", "enum": ["Equal", "Exists"]},
              "value": {"description": "The taint's value.", "type": "string", "maxLength": 63},
              "effect": {"description": "The taint's effect. Left out: every one.", "type": "string",
                         "enum": ["NoSchedule", "PreferNoSchedule", "NoExecute"]},
              "seconds": {"description": "NoExecute alone: how long.", "type": "integer", "minimum": 0, "maximum": 31536000}
            }
          }
        },
        "priority_class": {
          "description": "The pods' PriorityClass.",
          "type": "string", "pattern": "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$", "maxLength": 253, "default": ""
        },
        "queue": {
          "description": "The Kueue LocalQueue that admits the job; with gang: volcano, Volcano's queue.",
          "type": "string", "pattern": "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$", "maxLength": 63, "default": ""
        },
        "gang": {
          "description": "Who starts all workers or none, where the MPI operator was started with the same --gang-scheduling.",
          "type": "string", "enum": ["none", "volcano", "scheduler-plugins"], "default": "none"
        },
        "ttl_seconds": {
          "description": "How long the launcher's Job stays after its end. Left out: until it is deleted.",
          "type": "integer", "minimum": 0, "maximum": 2147483647
        },
        "deadline_seconds": {
          "description": "A job that runs longer has failed. Left out: never.",
          "type": "integer", "minimum": 1, "maximum": 2147483647
        },
        "suspend": {
          "description": "Makes the job without starting it; 'ringtrain resume' starts it.",
          "type": "boolean", "default": false
        },
        "clean_pods": {
          "description": "Which worker pods are removed at the job's end: those still running, all, or none.",
          "type": "string", "enum": ["running", "all", "none"], "default": "running"
        },
        "env": {
          "description": "Environment variables of launcher and ranks. Not for secrets: use files.",
          "type": "object", "default": {},
          "additionalProperties": {"description": "The variable's value.", "type": "string", "maxLength": 32768}
        },
        "secrets": {
          "description": "Secrets that the pods see as files.",
          "type": "array", "maxItems": 64, "default": [],
          "items": {
            "description": "A Secret and where its files lie.",
            "type": "object", "additionalProperties": false, "required": ["secret", "mount"],
            "properties": {
              "secret": {"description": "The Secret's name.", "type": "string",
                         "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", "maxLength": 253},
              "mount": {"description": "The directory inside the pods.", "type": "string", "pattern": "^/", "maxLength": 4096}
            }
          }
        },
        "service_account": {
          "description": "The pods' ServiceAccount. Left out: one of their own, without rights.",
          "type": "string", "pattern": "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$", "maxLength": 253, "default": ""
        },
        "fetch": {
          "description": "Files that every worker copies, one after the other, into a volume of its own before it starts.",
          "type": "object", "additionalProperties": false, "required": ["from", "to"],
          "properties": {
            "from": {
              "description": "http and https addresses, or paths of a slower volume: a dataset, or its parts.",
              "type": "array", "maxItems": 4096,
              "items": {"type": "string", "pattern": "^(https?://|/)", "maxLength": 4096}
            },
            "to": {"description": "A directory inside one of the volumes.", "type": "string", "pattern": "^/", "maxLength": 4096}
          }
        },
        "volumes": {
          "description": "What the pods mount: data to read and the place of output.",
          "type": "array", "maxItems": 64, "default": [],
          "items": {
            "description": "A mount, and exactly one of claim, host_path, nfs, empty_dir and ephemeral",
            "type": "object", "additionalProperties": false,
            "required": ["mount"],
            "properties": {
              "mount": {"description": "The path inside the pods.",
                        "type": "string", "pattern": "^/", "maxLength": 4096},
              "read_only": {"description": "Nothing is written there.", "type": "boolean", "default": false},
              "sub_path": {"description": "A directory of the volume, in place of its root.",
                           "type": "string", "minLength": 1, "maxLength": 4096},
              "claim": {"description": "A PersistentVolumeClaim's name.",
                        "type": "string", "minLength": 1, "maxLength": 253},
              "host_path": {"description": "A directory of the node.",
                            "type": "string", "pattern": "^/", "maxLength": 4096},
              "nfs": {
                "description": "An NFS export.",
                "type": "object", "additionalProperties": false, "required": ["server", "path"],
                "properties": {
                  "server": {"description": "Its host.", "type": "string", "minLength": 1, "maxLength": 253},
                  "path": {"description": "Its path.", "type": "string", "pattern": "^/", "maxLength": 4096}
                }
              },
              "empty_dir": {
                "description": "A directory that lives as long as the pod: {}.",
                "type": "object", "additionalProperties": false,
                "properties": {
                  "size": {"description": "The most it may hold. Left out: what the node has.",
                           "type": "string", "pattern": "^[0-9]+([.][0-9]+)?(k|M|G|T|Ki|Mi|Gi|Ti)?$", "maxLength": 32},
                  "memory": {"description": "Keeps it in memory.", "type": "boolean", "default": false}
                }
              },
              "ephemeral": {
                "description": "A volume of a storage class that lives as long as the pod.",
                "type": "object", "additionalProperties": false, "required": ["size"],
                "properties": {
                  "size": {"description": "How large it is.",
                           "type": "string", "pattern": "^[0-9]+([.][0-9]+)?(k|M|G|T|Ki|Mi|Gi|Ti)?$", "maxLength": 32},
                  "storage_class": {"description": "Its class. Left out: the cluster's default.",
                                    "type": "string", "minLength": 1, "maxLength": 253}
                }
              }
            },
            "oneOf": [{"required": ["claim"]}, {"required": ["host_path"]}, {"required": ["nfs"]},
                      {"required": ["empty_dir"]}, {"required": ["ephemeral"]}]
          }
        }
      }
    }
  }
})json";
  return text;
}

}  // namespace ringtrain
