namespace Nvwa.Linux;

/// <summary>A row of <c>ListUnits</c>: a unit that the manager has in memory.</summary>
/// <param name="Name">The canonical name.</param>
/// <param name="Description">For people.</param>
/// <param name="LoadState"><c>loaded</c>, <c>not-found</c>, <c>masked</c>, <c>bad-setting</c>, <c>error</c>, ...</param>
/// <param name="ActiveState">
/// <c>active</c>, <c>reloading</c>, <c>inactive</c>, <c>failed</c>, <c>activating</c>, <c>deactivating</c>, ...
/// </param>
/// <param name="SubState">The same in the words of the kind of unit: <c>running</c>, <c>exited</c>, <c>listening</c>, ...</param>
/// <param name="ObjectPath">The unit's object on the bus.</param>
public sealed record SystemdUnitStatus(
    string Name, string Description, string LoadState, string ActiveState, string SubState, string ObjectPath);
