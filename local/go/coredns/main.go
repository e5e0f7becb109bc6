// CoreDNS with only the plugins that our Corefile (local/daemons.ts) names; the stock main links every plugin and its cloud clients.
package main

import (
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/loadbalance"

	"github.com/coredns/coredns/coremain"
)

func main() {
	coremain.Run()
}
