namespace Nvwa.Lab;

/// <param name="Id">The kernel's own number for this boot, another one after every kexec or reboot.</param>
/// <param name="Release">As <c>uname -r</c> says it.</param>
public sealed record GuestBoot(string Id, string Release);
