// Package suite makes a test binary of the end-to-end suite of the Go virtual kubelet, which is a library.
package suite

import (
	"flag"
	"testing"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/test/e2e"
)

var (
	kubeconfig = flag.String("kubeconfig", "", "of somebody who may create pods and look at the node")
	namespace  = flag.String("namespace", "", "where pods are created")
	nodeName   = flag.String("node-name", "", "the node to test, and the pod through which its stats are read")
)

// TestVirtualKubelet runs all tests of the suite: none is skipped.
func TestVirtualKubelet(t *testing.T) {
	e2e.NewEndToEndTestSuite(e2e.EndToEndTestSuiteConfig{
		Kubeconfig:   *kubeconfig,
		Namespace:    *namespace,
		NodeName:     *nodeName,
		WatchTimeout: 30 * time.Second,
	}).Run(t)
}
