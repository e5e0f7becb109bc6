module supersmartmatch.io/local/provisioner

go 1.25.0

tool (
	github.com/rancher/local-path-provisioner
)

require github.com/rancher/local-path-provisioner v0.0.30
