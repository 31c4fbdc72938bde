# SPDX-License-Identifier: Apache-2.0
"""Jobs that nothing happens to, and jobs that cannot run."""

import shutil

import cluster
from cluster import Job, kubectl, wait_for


class Jobs(cluster.ClusterTest):
    def test_rendered_yaml_trains_mnist_to_98_percent_on_two_nodes(self):
        job = self.start("by-kubectl", "epochs: 3")
        self.assertEqual(job.end(), "Succeeded")
        result = job.result()
        self.assertGreaterEqual(result["test_accuracy"], 0.98)
        self.assertEqual(result["ranks"], 2)
        self.assertEqual([rank["host"].split(".")[0] for rank in result["placement"]],
                         ["by-kubectl-worker-0", "by-kubectl-worker-1"])
        nodes = {pod["spec"]["nodeName"] for pod in job.pods("launcher")}
        self.assertEqual(nodes - {"node1", "node2"}, set())
        for file in ("model.pt", "model.safetensors", "history.jsonl"):
            self.assertTrue((cluster.VOLUME / "runs/by-kubectl" / file).exists(), file)

    def test_applying_it_again_changes_nothing(self):
        job = self.start("again", "epochs: 1", kubernetes=("workers: 1", "suspend: true"))
        said = job.kubectl("apply", "-f", "-", input=self.render(self.folder / "again.yaml"))
        self.assertEqual({line.split()[-1] for line in said.splitlines()}, {"unchanged"})

    def test_the_api_server_takes_every_field_that_can_be_rendered(self):
        file = self.write_job("all", "epochs: 1", kubernetes=(
            "workers: 3", "gpus_per_worker: 8", "cpus: 7.5", "memory: 64Gi", "rdma_resource: rdma/ib", "ipc_lock: true",
            "node_selector: {pool: gpu}", "tolerations: [{key: gpu, operator: Exists, effect: NoSchedule}]",
            "priority_class: high", "queue: q", "gang: volcano", "ttl_seconds: 60", "deadline_seconds: 600",
            "suspend: true", "clean_pods: all", "image_pull_secrets: [registry]",
            "secrets: [{secret: s3, mount: /etc/s3}]", "service_account: trainer"))
        text = file.read_text().replace("claim: mnist}]", "claim: mnist}, {mount: /a, nfs: {server: s, path: /e}}, "
                                        "{mount: /b, host_path: /srv}, {mount: /c, empty_dir: {size: 1Gi}}, "
                                        "{mount: /d, ephemeral: {size: 1Gi, storage_class: fast}}]\n"
                                        "  fetch: {from: ['https://host/x.h5'], to: /c}")
        file.write_text(text)
        said = kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", input=self.render(file))
        self.assertIn("mpijob.kubeflow.org/all created (server dry run)", said)

    def test_a_dataset_is_fetched_by_each_worker_into_its_own_volume(self):
        file = self.write_job("fetched", "max_steps: 20", kubernetes=("workers: 2",))
        file.write_text(file.read_text().replace("dataset: /data/mnist.h5", "dataset: /own/mnist.h5").replace(
            "claim: mnist}]", "claim: mnist}, {mount: /own, empty_dir: {}}]\n"
            "  fetch: {from: [/data/mnist.h5], to: /own}"))
        job = Job("fetched")
        self.jobs.append(job)
        kubectl("apply", "-f", "-", input=self.render(file))
        self.assertEqual(job.end(), "Succeeded")

    def test_pods_name_why_they_do_not_run(self):
        cases = {
            "no-gpu": (("workers: 1", "gpus_per_worker: 8"), "Insufficient nvidia.com/gpu", "nvidia.com/gpu"),
            "no-claim": (("workers: 1",), 'persistentvolumeclaim "nowhere" not found', "nowhere not found"),
        }
        for name, (kubernetes, reason, status) in cases.items():
            with self.subTest(name):
                claim = "nowhere" if name == "no-claim" else "mnist"
                job = self.start(name, "epochs: 1", kubernetes=kubernetes, claim=claim)

                def unscheduled():
                    pod = job.pod(f"{name}-worker-0") or {"status": {}}
                    return [entry["message"] for entry in pod["status"].get("conditions", [])
                            if entry["type"] == "PodScheduled" and entry["status"] == "False"]
                self.assertIn(reason, wait_for(f"the scheduler's word on {name}", unscheduled)[0])
                self.assertIn(status, job.ringtrain("status").splitlines()[0])

    def test_an_image_that_is_not_there_is_named(self):
        file = self.write_job("no-image", "epochs: 1", kubernetes=("workers: 1",))
        file.write_text(file.read_text().replace(cluster.IMAGE, "localhost/nothing:1"))
        job = Job("no-image")
        self.jobs.append(job)
        kubectl("apply", "-f", "-", input=self.render(file))

        def waiting():
            pod = job.pod("no-image-worker-0") or {"status": {}}
            return [status["state"]["waiting"]["reason"] for status in pod["status"].get("containerStatuses", [])
                    if "waiting" in status["state"] and "Image" in status["state"]["waiting"]["reason"]]
        reason = wait_for("the kubelet's word", waiting)[0]
        self.assertIn(reason, ("ErrImageNeverPull", "ErrImagePull", "ImagePullBackOff"))
        self.assertIn("localhost/nothing:1", job.ringtrain("status").splitlines()[0])

    def test_a_wrong_dataset_path_fails_the_job_and_its_cause_is_in_the_pods_status(self):
        file = self.write_job("no-data", "epochs: 1", "restarts: 0", kubernetes=("workers: 2",))
        file.write_text(file.read_text().replace("/data/mnist.h5", "/data/nothing.h5"))
        job = Job("no-data")
        self.jobs.append(job)
        kubectl("apply", "-f", "-", input=self.render(file))
        self.assertEqual(job.end(), "Failed")
        state = job.pod(job.launcher())["status"]["containerStatuses"][0]["state"]["terminated"]
        self.assertEqual(state["exitCode"], 3)
        self.assertIn("ringtrain: no-data: /data/nothing.h5: cannot open", state["message"])
        self.assertIn("/data/nothing.h5: cannot open", job.ringtrain("status"))

    def test_suspend_frees_the_nodes_and_resume_trains_to_the_end(self):
        job = self.start("pausing", "epochs: 2")
        job.wait_for_steps(50)
        job.patch({"runPolicy": {"suspend": True}})
        wait_for("its workers to go", lambda: not job.pods("worker"))
        self.assertIn("Suspended", job.conditions())
        job.patch({"runPolicy": {"suspend": False}})
        self.assertEqual(job.end(), "Succeeded")
        self.assertGreaterEqual(job.result()["test_accuracy"], 0.97)

    def test_nothing_is_left_after_delete(self):
        job = self.start("gone", "epochs: 50")
        job.wait_for_steps(1)
        job.delete()
        kinds = "mpijobs,jobs,pods,services,configmaps,secrets,serviceaccounts"
        wait_for("all of it to go", lambda: "gone" not in kubectl("get", kinds, "-o", "name"))
        shutil.rmtree(cluster.VOLUME / "runs/gone", ignore_errors=True)
