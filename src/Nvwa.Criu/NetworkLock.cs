namespace Nvwa.Criu;

/// <summary>
/// How CRIU keeps packets away from connections while they are saved. Given at the dump; it is written into the images,
/// and the restore takes it from there.
/// </summary>
public enum NetworkLock
{
    /// <summary>Nothing is said: CRIU's own default holds (iptables, or what the images say).</summary>
    Unset = 0,
    Iptables = 1,
    Nftables = 2,

    /// <summary>CRIU does nothing; someone else holds packets back.</summary>
    Skip = 3,
}
