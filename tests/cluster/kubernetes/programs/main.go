// SPDX-License-Identifier: Apache-2.0

// A whole Kubernetes in one program, because its parts share most of their code: one binary of
// 141 MiB instead of nine with 800. It runs as the part by whose name it is called, which is that of a
// link to it or else its first argument.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	_ "time/tzdata"

	_ "github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	operator "github.com/kubeflow/mpi-operator/cmd/mpi-operator/app"
	operatoroptions "github.com/kubeflow/mpi-operator/cmd/mpi-operator/app/options"
	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	_ "k8s.io/client-go/plugin/pkg/client/auth"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/klog/v2"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	manager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func run(command *cobra.Command) { os.Exit(cli.Run(command)) }

var parts = map[string]func(){
	"etcd":                    func() { etcdmain.Main(os.Args) },
	"kube-apiserver":          func() { run(apiserver.NewAPIServerCommand()) },
	"kube-controller-manager": func() { run(manager.NewControllerManagerCommand()) },
	"kube-scheduler":          func() { run(scheduler.NewSchedulerCommand()) },
	"kube-proxy":              func() { run(proxy.NewProxyCommand()) },
	"kubelet":                 func() { run(kubelet.NewKubeletCommand(context.Background())) },
	"coredns":                 coremain.Run,
	"mpi-operator":            runOperator,
	"kubectl":                 runKubectl,
}

func runOperator() {
	flag.CommandLine = flag.NewFlagSet("mpi-operator", flag.ExitOnError)
	klog.InitFlags(nil)
	options := operatoroptions.NewServerOption()
	options.AddFlags(flag.CommandLine)
	flag.Parse()
	if err := operator.Run(options); err != nil {
		klog.Fatal(err)
	}
}

func runKubectl() {
	if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
		kubectlutil.CheckErr(err)
	}
}

// CoreDNS registers its flags for the whole process, among them -version, which kubectl and the others
// have in a form of their own.
func forgetFlagsOfCoreDNS() {
	flagsOfCoreDNS := []string{"conf", "dns.port", "p", "pidfile", "plugins", "quiet", "version"}
	others := flag.NewFlagSet(os.Args[0], flag.ExitOnError)
	flag.VisitAll(func(f *flag.Flag) {
		if !slices.Contains(flagsOfCoreDNS, f.Name) {
			others.Var(f.Value, f.Name, f.Usage)
		}
	})
	flag.CommandLine = others
}

func main() {
	name := filepath.Base(os.Args[0])
	if parts[name] == nil && len(os.Args) > 1 {
		name, os.Args = os.Args[1], os.Args[1:]
	}
	part := parts[name]
	if part == nil {
		fmt.Fprintf(os.Stderr, "%s: is no part of Kubernetes that is in here\n", name)
		os.Exit(2)
	}
	if name != "coredns" {
		forgetFlagsOfCoreDNS()
	}
	part()
}
