namespace Nvwa.Criu;

/// <summary>
/// Brings a process tree back from its images. Over RPC the restore is always detached: CRIU ends and the tree stays.
/// </summary>
public sealed record RestoreRequest : CheckpointRequest
{
    /// <summary>Gets the descriptors of the CRIU process that take the place of saved ones.</summary>
    public IReadOnlyList<InheritedResource> InheritedResources { get; init; } = [];

    /// <summary>
    /// Gets whether the root process becomes a child of CRIU's parent from the first moment (CLONE_PARENT), instead of
    /// a child of CRIU that is reparented when CRIU ends. Needed for the parent-death signal, and for a parent that is
    /// not a subreaper and wants to wait for it.
    /// </summary>
    public bool RestoreAsSibling { get; init; }

    /// <summary>Gets whether the processes are left stopped.</summary>
    public bool LeaveStopped { get; init; }

    /// <summary>Gets the root directory for restored mount namespaces, null for the present one.</summary>
    public string? Root { get; init; }

    /// <summary>Gets the cgroup under which saved cgroups are restored, null for where they were.</summary>
    public string? CgroupRoot { get; init; }

    /// <summary>Gets whether changed permissions of open files are accepted.</summary>
    public bool SkipFilePermissionCheck { get; init; }

    /// <summary>Gets whether mount namespaces are restored the old way.</summary>
    public bool MountNamespaceCompatibility { get; init; }

    /// <summary>
    /// Gets the security profile to set instead of the saved one (<c>apparmor:name</c>, <c>selinux:label</c>).
    /// </summary>
    public string? SecurityProfile { get; init; }

    /// <summary>Gets the SELinux context of restored mounts.</summary>
    public string? SecurityMountContext { get; init; }

    internal override void Validate()
    {
        base.Validate();
        RequireAbsolute(Root, nameof(Root));
        RequireAbsolute(CgroupRoot, nameof(CgroupRoot));
        if (InheritedResources.DistinctBy(inherited => inherited.Key).Count() != InheritedResources.Count)
        {
            throw new ArgumentException("one saved resource is inherited twice");
        }
    }
}
