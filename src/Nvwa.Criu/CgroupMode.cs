namespace Nvwa.Criu;

/// <summary>What CRIU does about control groups.</summary>
public enum CgroupMode
{
    /// <summary>Nothing is said: CRIU's own default (or its configuration file) holds.</summary>
    Unset = 0,

    /// <summary>Neither saved nor restored: processes are born in CRIU's own cgroup.</summary>
    Ignore = 1,

    /// <summary>Processes are moved into their cgroups, which must exist.</summary>
    None = 2,

    /// <summary>Properties of cgroups are restored; the cgroups must exist.</summary>
    Properties = 3,

    /// <summary>Cgroups are made, properties restored only in those that CRIU made.</summary>
    Soft = 4,

    /// <summary>Cgroups are made and all properties restored.</summary>
    Full = 5,

    /// <summary>Cgroups are made; one that exists is an error.</summary>
    Strict = 6,
}
