// Who may talk to whom under NetworkPolicies, by cyclonus. Its command line prints such answers as tables for people, and knows
// no addresses outside the cluster in its matrix; this reads a question and prints one line for each edge that is open.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/mattfenwick/cyclonus/pkg/matcher"
	v1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// peer stands for all pods with these labels: it is asked about itself, too. One without a namespace is outside the cluster.
type peer struct {
	Name            string            `json:"name"`
	IP              string            `json:"ip"`
	Namespace       string            `json:"namespace"`
	NamespaceLabels map[string]string `json:"namespaceLabels"`
	Labels          map[string]string `json:"labels"`
}

type port struct {
	Protocol v1.Protocol `json:"protocol"`
	Port     int         `json:"port"`
}

type question struct {
	Policies []*networkingv1.NetworkPolicy `json:"policies"`
	Peers    []peer                        `json:"peers"`
	Ports    []port                        `json:"ports"`
}

func (p peer) traffic() *matcher.TrafficPeer {
	if p.Namespace == "" {
		return &matcher.TrafficPeer{IP: p.IP}
	}
	internal := &matcher.InternalPeer{Namespace: p.Namespace, NamespaceLabels: p.NamespaceLabels, PodLabels: p.Labels}
	return &matcher.TrafficPeer{IP: p.IP, Internal: internal}
}

func main() {
	var asked question
	decoder := json.NewDecoder(os.Stdin)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&asked); err != nil {
		fmt.Fprintln(os.Stderr, "the question on standard input:", err)
		os.Exit(1)
	}
	out := bufio.NewWriter(os.Stdout)
	policies := matcher.BuildNetworkPolicies(false, asked.Policies)
	for _, from := range asked.Peers {
		for _, to := range asked.Peers {
			for _, port := range asked.Ports {
				traffic := &matcher.Traffic{Source: from.traffic(), Destination: to.traffic(), ResolvedPort: port.Port, Protocol: port.Protocol}
				if policies.IsTrafficAllowed(traffic).IsAllowed() {
					fmt.Fprintf(out, "%s %s %s/%d\n", from.Name, to.Name, port.Protocol, port.Port)
				}
			}
		}
	}
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
