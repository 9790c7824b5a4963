using System.Runtime.InteropServices;

namespace Nvwa.Linux;

/// <summary>A descriptor that a child is to have.</summary>
/// <param name="Handle">Ours; it stays open here, and is not closed by the spawn.</param>
/// <param name="ChildDescriptor">Its number in the child, where it does not close on a further exec.</param>
public readonly record struct InheritedDescriptor(SafeHandle Handle, int ChildDescriptor);
