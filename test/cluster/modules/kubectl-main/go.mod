// kubectl's main package as k8s.io/kubernetes has it, without the rest of that module. It names no versions: the modules
// beside it, one for each kubectl that the tests build, do.
module virtual-kubelet.test/cluster/kubectl

go 1.26.0
